#include "kindred/core/process_group.h"

#include <fmt/format.h>

#include <chrono>

namespace kindred {
namespace {

std::span<std::byte> part_of(std::span<std::byte> all, std::span<const Index> begins, int rank) {
  const auto begin = static_cast<std::size_t>(begins[static_cast<std::size_t>(rank)]);
  const auto end = static_cast<std::size_t>(begins[static_cast<std::size_t>(rank) + 1]);
  return all.subspan(begin, end - begin);
}

}  // namespace

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::exchange(std::span<const Outgoing> sent, std::span<const Incoming> received) {
  if (sent.empty() && received.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  transfer(sent, received);
  traffic_.seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  traffic_.messages += static_cast<Index>(sent.size());
  for (const Outgoing& message : sent) traffic_.bytes += static_cast<Index>(message.bytes.size());
}

void ProcessGroup::gather(std::span<std::byte> all, std::span<const Index> begins) {
  sent_.clear();
  received_.clear();
  const std::span<const std::byte> own = part_of(all, begins, rank());
  // Each begins with its neighbour: no rank is everybody's first.
  for (int step = 1; step < size(); ++step) {
    const int to = (rank() + step) % size();
    const int from = (rank() + size() - step) % size();
    if (!own.empty()) sent_.push_back({to, own});
    const std::span<std::byte> theirs = part_of(all, begins, from);
    if (!theirs.empty()) received_.push_back({from, theirs});
  }
  exchange(sent_, received_);
}

void ProcessGroup::gather_rows(MatrixView all, Index together) {
  if (size() == 1 || all.rows() == 0) return;
  const Index bytes = together * all.stride() * static_cast<Index>(sizeof(float));
  begins_.clear();
  for (int r = 0; r <= size(); ++r) {
    begins_.push_back(begin_of_part(all.rows() / together, r, size()) * bytes);
  }
  const std::span<float> numbers(all.row(0), static_cast<std::size_t>(all.rows() * all.stride()));
  gather(std::as_writable_bytes(numbers), begins_);
}

// A binomial tree: who has the bytes hands them on, twice as many each time.
void ProcessGroup::broadcast(std::span<std::byte> bytes) {
  if (bytes.empty()) return;
  for (int having = 1; having < size(); having *= 2) {
    if (rank() < having) {
      const Outgoing message{rank() + having, bytes};
      if (message.to < size()) exchange({&message, 1}, {});
    } else if (rank() < 2 * having) {
      const Incoming message{rank() - having, bytes};
      exchange({}, {&message, 1});
    }
  }
}

bool ProcessGroup::any(bool mine) {
  if (size() == 1) return mine;
  flags_.assign(static_cast<std::size_t>(size()), std::byte{0});
  flags_[static_cast<std::size_t>(rank())] = std::byte{mine};
  begins_.clear();
  for (int r = 0; r <= size(); ++r) begins_.push_back(r);
  gather(flags_, begins_);
  for (const std::byte flag : flags_) mine = mine || flag != std::byte{0};
  return mine;
}

void ProcessGroup::expect_alike(const std::string& mine, const std::string& advice) {
  const std::vector<std::string> all = gather_texts(mine);
  for (std::size_t r = 1; r < all.size(); ++r) {
    if (all[r] == all[0]) continue;
    fail(ErrorKind::data, fmt::format("rank {} has {}, rank 0 {}; {}", r, all[r], all[0], advice));
  }
}

std::vector<std::string> ProcessGroup::gather_texts(const std::string& mine) {
  std::vector<Index> lengths(static_cast<std::size_t>(size()));
  lengths[static_cast<std::size_t>(rank())] = static_cast<Index>(mine.size());
  std::vector<Index> begins;
  for (int r = 0; r <= size(); ++r) begins.push_back(r * static_cast<Index>(sizeof(Index)));
  gather(std::as_writable_bytes(std::span(lengths)), begins);
  Index end = 0;
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    begins[r] = end;
    end += lengths[r];
  }
  begins.back() = end;
  std::string all(static_cast<std::size_t>(end), '\0');
  mine.copy(all.data() + begins[static_cast<std::size_t>(rank())], mine.size());
  gather(std::as_writable_bytes(std::span(all)), begins);
  std::vector<std::string> texts;
  for (std::size_t r = 0; r < lengths.size(); ++r) {
    texts.push_back(
        all.substr(static_cast<std::size_t>(begins[r]), static_cast<std::size_t>(lengths[r])));
  }
  return texts;
}

}  // namespace kindred
