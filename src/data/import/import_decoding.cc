#include "data/import/import_decoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "kindred/core/error.h"
#include "kindred/core/memory.h"

namespace kindred {
namespace {

constexpr std::size_t kBatch = 256;             // images decoded together, at most
constexpr Index kBatchBytes = Index{64} << 20;  // of their files
constexpr Index kSomeMemory = Index{1} << 30;

}  // namespace

Index most_waiting_bytes(Index processes) {
  return std::max(machine_memory() / 2, std::min(machine_memory(), kSomeMemory)) / processes;
}

ImportDecoding::ImportDecoding(const ImportPlan& plan, const ImportOptions& options,
                               std::span<const Index> order, const Workers& workers, Index most)
    : plan_(plan),
      order_(order),
      workers_(workers),
      most_(most),
      decoder_(plan, options, workers.threads()) {
  for (const Index item : order) {
    turn_of_[plan.items[static_cast<std::size_t>(item)].place] =
        static_cast<Index>(turn_of_.size());
  }
}

bool ImportDecoding::run(WorkObserver& observer,
                         FunctionRef<void(Index item, Decoded sample)> take) {
  std::vector<Index> places;
  for (const Index item : order_) {
    places.push_back(plan_.items[static_cast<std::size_t>(item)].place);
  }
  bool goes_on = true;
  plan_.images->visit(places, [&](Index place, FileContent content) {
    batch_bytes_ += static_cast<Index>(content.bytes.size());
    batch_.push_back({place, std::move(content)});
    if (batch_.size() == kBatch || batch_bytes_ >= kBatchBytes) {
      goes_on = decode_batch(observer, take);
    }
    return goes_on;
  });
  if (!goes_on || !decode_batch(observer, take)) return false;
  if (next_ != std::ssize(order_)) {
    fail(ErrorKind::data, fmt::format("{}: changed while it was read", plan_.source));
  }
  return true;
}

bool ImportDecoding::decode_batch(WorkObserver& observer,
                                  FunctionRef<void(Index item, Decoded sample)> take) {
  std::vector<Decoded> decoded(batch_.size());
  const auto caller = std::this_thread::get_id();
  std::atomic<bool> stopped = false;
  workers_.for_each(std::ssize(batch_), [&](Index i, int worker) {
    if (std::this_thread::get_id() == caller && observer.stop_requested()) stopped = true;
    if (stopped) return;
    const auto at = static_cast<std::size_t>(i);
    decoded[at] = decoder_.decode(batch_[at].place, batch_[at].content, worker);
  });
  if (stopped || observer.stop_requested()) return false;
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    ready_bytes_ += decoded[i].image.shape.size();
    ready_.emplace(turn_of_.at(batch_[i].place), std::move(decoded[i]));
  }
  batch_.clear();
  batch_bytes_ = 0;
  for (auto first = ready_.find(next_); first != ready_.end(); first = ready_.find(next_)) {
    ready_bytes_ -= first->second.image.shape.size();
    take(order_[static_cast<std::size_t>(next_++)], std::move(first->second));
    ready_.erase(first);
  }
  if (ready_bytes_ > most_) {
    fail(ErrorKind::data,
         fmt::format("{}: the samples come in an order that would need more than {} MiB to sort; "
                     "unpack the archive, or make the images smaller with a size",
                     plan_.source, most_ >> 20));
  }
  observer.on_progress(next_ + std::ssize(ready_), std::ssize(order_));
  return true;
}

}  // namespace kindred
