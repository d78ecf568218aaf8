#include "data/import/import_ranks.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/host_name.h"
#include "data/isolation/shared_memory.h"
#include "data/isolation/wire.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kMessage = Index{4} << 20;  // bytes; a sample more at most
constexpr Index kRoom = Index{64} << 20;    // and the largest sample (import_decoder.cc)

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

std::span<const Index> ImportRanks::run_of(std::span<const Index> order, int rank) const {
  const auto begin = static_cast<std::size_t>(begin_of_part(samples_, rank, group_.size()));
  const auto end = static_cast<std::size_t>(begin_of_part(samples_, rank + 1, group_.size()));
  return order.subspan(begin, end - begin);
}

// A rank's share; half of it is for what it has yet to hand over.
Index ImportRanks::most_waiting() const {
  return group_.size() == 1 ? most_waiting_bytes(1) : most_waiting_bytes(2 * launched_rank().here);
}

bool ImportRanks::take(const ImportPlan& plan, const ImportOptions& options,
                       std::span<const Index> order, ImportDecoding& decoding,
                       WorkObserver& observer,
                       FunctionRef<void(Index item, Decoded sample)> add) const {
  if (group_.size() == 1) return decoding.run(observer, add);
  if (!decode(decoding, observer, add)) return false;
  meet(plan, options, order);
  for (int rank = 1; rank < group_.size(); ++rank) receive(rank, run_of(order, rank), add);
  return true;
}

bool ImportRanks::help(const ImportPlan& plan, const ImportOptions& options,
                       std::span<const Index> order, ImportDecoding& decoding,
                       WorkObserver& observer) const {
  const Index most = most_waiting();
  Index bytes = 0;
  std::vector<Decoded> samples;
  const auto keep = [&](Index, Decoded sample) {
    bytes += sample.image.shape.size();
    samples.push_back(std::move(sample));
    if (bytes <= most) return;
    fail(ErrorKind::data,
         fmt::format("{}: its samples take more than {} MiB; import by ranks on more hosts, or by "
                     "one process, which keeps none",
                     plan.source, most >> 20));
  };
  if (!decode(decoding, observer, keep)) return false;
  meet(plan, options, order);
  send(samples);
  return true;
}

/// False at all ranks where one was asked to stop. Of an error all hear here, when they have
/// decoded as well: the first says it, who then undoes what it has begun to write.
bool ImportRanks::decode(ImportDecoding& decoding, WorkObserver& observer,
                         FunctionRef<void(Index item, Decoded sample)> take) const {
  bool done = false;
  ErrorKind kind{};
  std::string fault;
  try {
    done = decoding.run(observer, take);
  } catch (const Error& error) {
    kind = error.kind();
    fault = error.what();
  }
  group_.join();
  if (group_.rank() != 0 && !fault.empty()) {
    fault = fmt::format("rank {} on {}: {}", group_.rank(), host_name(), fault);
  }
  const std::vector<std::string> faults = group_.gather_texts(fault);
  const auto first = std::ranges::find_if(faults, [](const auto& text) { return !text.empty(); });
  if (first == faults.end()) return !group_.any(!done);
  const auto rank = static_cast<int>(first - faults.begin());
  std::int32_t code = static_cast<std::int32_t>(kind);
  if (rank != 0 && group_.rank() == rank) {
    const Outgoing mine{0, std::as_bytes(std::span(&code, 1))};
    group_.exchange({&mine, 1}, {});
  }
  if (group_.rank() != 0) return group_.any(false);  // rank 0 ends this process
  if (rank != 0) {
    const Incoming its{rank, std::as_writable_bytes(std::span(&code, 1))};
    group_.exchange({}, {&its, 1});
  }
  fail(static_cast<ErrorKind>(code), *first);
}

void ImportRanks::meet(const ImportPlan& plan, const ImportOptions& options,
                       std::span<const Index> order) const {
  group_.join();
  std::uint64_t sum = 0;
  const auto add = [&](std::span<const std::byte> bytes) { sum = checksum(bytes, sum); };
  const auto add_number = [&](auto number) { add(std::as_bytes(std::span(&number, 1))); };
  add_number(static_cast<int>(options.colour));
  for (const Index i : order) {
    const ImportItem& item = plan.items[static_cast<std::size_t>(i)];
    add(bytes_of(item.path));
    add(bytes_of(item.class_name));
    add_number(item.label);
    const auto region = plan.region_at.find(item.place);
    if (region == plan.region_at.end()) continue;
    if (region->second.box) add_number(*region->second.box);
    if (region->second.landmarks) add_number(*region->second.landmarks);
  }
  const Matrix& vectors = plan.vectors;
  if (vectors.rows() > 0) {
    for (const Index i : order) {
      const Index row = plan.items[static_cast<std::size_t>(i)].place;
      add(std::as_bytes(std::span(vectors.row(row), static_cast<std::size_t>(vectors.cols()))));
    }
  }
  group_.expect_alike(fmt::format("{} {} ({}; paths, labels and regions {})", order.size(),
                                  vectors.rows() > 0 ? "vectors" : "samples",
                                  text_of(preparation_of(plan, options)), hex(sum)),
                      "give all ranks the same sources and options");
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
