#include "train/shards.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace kindred {
namespace {

constexpr std::size_t kPiece = std::size_t{4} << 20;  // bytes that are under way at once

}  // namespace

/// What rank 0 asks the others for.
struct Shards::Order {
  enum Kind : std::int64_t { release, read, finite };
  std::int64_t kind = release;
  std::int64_t array = 0;
  std::int64_t segment = 0;
};

ShardRange shard_of(const Segment& segment, int rank, int ranks) {
  const std::vector<Index>& begins = segment.parts.begins;
  const Index parts = std::ssize(begins) - 1;
  const auto begin = [&](int r) {
    return begins[static_cast<std::size_t>(begin_of_part(parts, r, ranks))] *
           static_cast<Index>(sizeof(float));
  };
  return {begin(rank), begin(rank + 1)};
}

bool are_finite(std::span<const float> numbers) {
  return std::ranges::all_of(numbers, [](float number) { return std::isfinite(number); });
}

bool Shards::any() const {
  return group_.size() > 1 &&
         std::ranges::any_of(training_.table.segments(),
                             [](const Segment& segment) { return segment.parts.shared; });
}

/// All flat arrays of the training, in one order at all ranks.
std::vector<std::span<float>> Shards::arrays() const {
  std::vector<std::span<float>> found{training_.parameters.span()};
  if (training_.average.size() > 0) found.push_back(training_.average.span());
  for (Moment& moment : training_.optimizer->moments()) found.push_back(moment.values.span());
  return found;
}

std::span<std::byte> Shards::own(const Segment& segment, std::span<float> flat) const {
  return std::as_writable_bytes(flat.subspan(static_cast<std::size_t>(segment.offset),
                                             static_cast<std::size_t>(segment.size)));
}

void Shards::send(
    Index bytes, int to,
    FunctionRef<std::span<const std::byte>(std::size_t first, std::size_t size)> give) {
  const auto size = static_cast<std::size_t>(bytes);
  for (std::size_t done = 0; done < size; done += kPiece) {
    const Outgoing message{to, give(done, std::min(kPiece, size - done))};
    group_.exchange({&message, 1}, {});
  }
}

void Shards::receive(Index bytes, int from, FunctionRef<void(std::span<const std::byte>)> take) {
  const auto size = static_cast<std::size_t>(bytes);
  std::vector<std::byte> piece(std::min(size, kPiece));
  for (std::size_t done = 0; done < size; done += kPiece) {
    const std::span<std::byte> some = std::span(piece).first(std::min(kPiece, size - done));
    const Incoming message{from, some};
    group_.exchange({}, {&message, 1});
    take(some);
  }
}

void Shards::read(const Segment& segment, std::span<const float> flat,
                  FunctionRef<void(std::span<const std::byte>)> take) {
  const std::vector<std::span<float>> all = arrays();
  const auto array = std::ranges::find(all, flat.data(), &std::span<float>::data);
  Order order{Order::read, array - all.begin(), &segment - training_.table.segments().data()};
  group_.broadcast(std::as_writable_bytes(std::span(&order, 1)));
  take(own(segment, *array));  // rank 0's come first
  for (int rank = 1; rank < group_.size(); ++rank) {
    const ShardRange range = shard_of(segment, rank, group_.size());
    receive(range.end - range.begin, rank, take);
  }
}

bool Shards::all_finite(bool mine) {
  if (!any()) return mine;
  Order order{Order::finite};
  group_.broadcast(std::as_writable_bytes(std::span(&order, 1)));
  return !group_.any(!mine);
}

void Shards::release() {
  if (!any()) return;
  Order order;
  group_.broadcast(std::as_writable_bytes(std::span(&order, 1)));
}

void Shards::answer() {
  if (!any()) return;
  while (true) {
    Order order;
    group_.broadcast(std::as_writable_bytes(std::span(&order, 1)));
    if (order.kind == Order::release) return;
    if (order.kind == Order::finite) {
      group_.any(!std::ranges::all_of(arrays(), are_finite));
      continue;
    }
    const Segment& segment = training_.table.segments()[static_cast<std::size_t>(order.segment)];
    const std::span<std::byte> mine = own(segment, arrays()[static_cast<std::size_t>(order.array)]);
    send(std::ssize(mine), 0,
         [&](std::size_t first, std::size_t size) { return mine.subspan(first, size); });
  }
}

void Shards::hold(TensorFile&& file, std::vector<std::optional<std::string>> names) {
  if (!any()) return;
  held_ = std::move(file);
  names_ = std::move(names);
}

void Shards::share_out() {
  if (!any()) return;
  const std::vector<std::span<float>> all = arrays();
  names_.resize(all.size());
  std::vector<std::byte> room(kPiece);
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (const Segment& segment : training_.table.segments()) {
      if (!segment.parts.shared) continue;
      const Tensor* tensor = held_ && names_[a] ? held_->find(*names_[a] + segment.name) : nullptr;
      const bool fits = tensor != nullptr && tensor->type == DataType::f32;
      if (!fits || tensor->shape != segment.shape) tensor = nullptr;
      bool comes = tensor != nullptr;
      group_.broadcast(std::as_writable_bytes(std::span(&comes, 1)));
      if (!comes) continue;
      if (group_.rank() == 0) {
        for (int rank = 1; rank < group_.size(); ++rank) {
          const ShardRange range = shard_of(segment, rank, group_.size());
          send(range.end - range.begin, rank, [&](std::size_t first, std::size_t size) {
            const std::span<std::byte> some = std::span(room).first(size);
            held_->copy(*tensor, static_cast<std::size_t>(range.begin) + first, some);
            return some;
          });
        }
        continue;
      }
      std::byte* to = own(segment, all[a]).data();
      receive(segment.size * static_cast<Index>(sizeof(float)), 0,
              [&](std::span<const std::byte> piece) {
                std::memcpy(to, piece.data(), piece.size());
                to += piece.size();
              });
    }
  }
  held_.reset();
}

}  // namespace kindred
