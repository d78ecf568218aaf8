#include "data/import/import_ranks.h"

#include <fmt/format.h>

#include "data/isolation/shared_memory.h"
#include "data/isolation/wire.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kMessage = Index{4} << 20;  // bytes; a sample more at most
constexpr Index kRoom = Index{2} << 30;     // for the largest sample

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

std::span<const Index> ImportRanks::run_of(std::span<const Index> order, int rank) const {
  const auto begin = static_cast<std::size_t>(begin_of_part(samples_, rank, group_.size()));
  const auto end = static_cast<std::size_t>(begin_of_part(samples_, rank + 1, group_.size()));
  return order.subspan(begin, end - begin);
}

bool ImportRanks::take(const ImportPlan& plan, std::span<const Index> order, bool done,
                       FunctionRef<void(Index item, Decoded sample)> add) const {
  if (group_.size() == 1) return done;
  if (!meet(plan, order, done)) return false;
  for (int rank = 1; rank < group_.size(); ++rank) receive(rank, run_of(order, rank), add);
  return true;
}

bool ImportRanks::help(const ImportPlan& plan, std::span<const Index> order,
                       ImportDecoding& decoding, WorkObserver& observer) const {
  const Index most = most_waiting_bytes();
  Index bytes = 0;
  std::vector<Decoded> samples;
  const bool done = decoding.run(observer, [&](Index, Decoded sample) {
    bytes += sample.image.shape.size();
    samples.push_back(std::move(sample));
    if (bytes <= most) return;
    fail(ErrorKind::data,
         fmt::format("{}: the samples of rank {} take more than {} MiB; import by more ranks, or "
                     "by one process, which keeps none",
                     plan.source, group_.rank(), most >> 20));
  });
  if (!meet(plan, order, done)) return false;
  send(samples);
  return true;
}

/// All have decoded, or were asked to stop; of the same samples.
bool ImportRanks::meet(const ImportPlan& plan, std::span<const Index> order, bool done) const {
  group_.join();
  if (group_.any(!done)) return false;
  std::uint64_t sum = 0;
  for (const Index i : order) {
    const ImportItem& item = plan.items[static_cast<std::size_t>(i)];
    sum = checksum(bytes_of(item.path), sum);
    sum = checksum(bytes_of(item.class_name), sum + static_cast<std::uint64_t>(item.label));
  }
  group_.expect_alike(fmt::format("{} samples (paths and labels {})", order.size(), hex(sum)),
                      "give all ranks the same sources and options");
  return true;
}

void ImportRanks::send(std::span<const Decoded> samples) const {
  SharedMemory memory(kRoom, "samples for rank 0");
  for (std::size_t next = 0; next < samples.size();) {
    WireWriter message(memory);
    while (next < samples.size() && message.size() < kMessage) message.put(samples[next++]);
    Index bytes = message.size();
    for (const std::span<const std::byte> part :
         {std::as_bytes(std::span(&bytes, 1)),
          std::span<const std::byte>(memory.first(message.size()))}) {
      const Outgoing outgoing{0, part};
      group_.exchange({&outgoing, 1}, {});
    }
  }
}

void ImportRanks::receive(int from, std::span<const Index> items,
                          FunctionRef<void(Index item, Decoded sample)> add) const {
  std::vector<std::byte> message;
  const auto receive_into = [&](std::span<std::byte> to) {
    const Incoming incoming{from, to};
    group_.exchange({}, {&incoming, 1});
  };
  for (std::size_t next = 0; next < items.size();) {
    Index bytes = 0;
    receive_into(std::as_writable_bytes(std::span(&bytes, 1)));
    message.resize(static_cast<std::size_t>(bytes));
    receive_into(message);
    WireReader reader(message);
    while (next < items.size() && !reader.at_end()) {
      add(items[next++], reader.get<Decoded>());
    }
  }
}

}  // namespace kindred
