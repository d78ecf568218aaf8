#include "kindred/data/reader.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "core/threads.h"
#include "kindred/core/parallel.h"

namespace kindred {
namespace {

/// A thread that next() wakes takes a core from the one that called it, while all others wait for
/// that one. There is time: batches are read ahead. So this thread waits for its turn. Where the
/// kernel refuses, everything is as before.
void does_not_interrupt() {
  const sched_param priority{};
  static_cast<void>(pthread_setschedparam(pthread_self(), SCHED_BATCH, &priority));
}

}  // namespace

struct KINDRED_HIDDEN Reader::Impl {
  /// A batch's buffers, and how far they are.
  struct Slot {
    Batch batch;
    std::vector<Index> samples;
    bool filled = false;
    std::exception_ptr error;
  };

  Impl(const Dataset& dataset_, const TrainingSet& set_, Sampler& sampler_, Index first_step_,
       Index ahead, int count, const BatchPart& part_)
      : dataset(dataset_), set(set_), sampler(sampler_), first_step(first_step_), part(part_) {
    const auto batch = static_cast<std::size_t>(sampler.batch());
    ring.resize(static_cast<std::size_t>(std::max<Index>(ahead, 1)) + 1);  // one is being used
    for (Slot& slot : ring) {
      slot.samples.resize(batch);
      slot.batch.entries.resize(batch);
      slot.batch.labels.resize(batch);
      slot.batch.turns.resize(batch);
      slot.batch.samples = Buffer<std::byte>(part.count * dataset.sample_bytes());
      if (!dataset.targets().empty()) {
        slot.batch.targets = Matrix(sampler.batch(), dataset.targets().cols());
      }
    }
    try {
      for (int i = 0; i < std::max(count, 1); ++i) {
        threads.push_back(start_thread([this] { run(); }));
      }
    } catch (...) {
      end();  // a thread that is not waited for ends the process
      throw;
    }
  }

  ~Impl() { end(); }

  void end() {
    {
      const std::lock_guard guard(lock);
      stop = true;
    }
    changed.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  void run() {
    const ComputeScope scope;
    does_not_interrupt();
    while (Slot* const slot = begin()) {
      std::exception_ptr error = slot->error;
      if (!error) {
        try {
          read(*slot);
        } catch (...) {
          error = std::current_exception();
        }
      }
      {
        const std::lock_guard guard(lock);
        slot->error = error;
        slot->filled = true;
        if (error) stop = true;
      }
      changed.notify_all();
    }
  }

  // The next batch's slot once it is free, drawn: by one thread at a time, in order of steps.
  Slot* begin() {
    const std::lock_guard turn(drawing);
    std::unique_lock guard(lock);
    changed.wait(guard, [&] { return stop || begun - released < static_cast<Index>(ring.size()); });
    if (stop) return nullptr;
    const Index number = begun++;
    Slot& slot = slot_of(number);
    slot.filled = false;
    guard.unlock();
    try {
      draw(first_step + number, slot);
    } catch (...) {
      slot.error = std::current_exception();
    }
    return &slot;
  }

  void draw(Index step, Slot& slot) {
    Batch& batch = slot.batch;
    batch.step = step;
    sampler.draw(step, batch.entries);
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      const TrainingSet::Entry& entry = set.entries[static_cast<std::size_t>(batch.entries[i])];
      slot.samples[i] = entry.sample;
      batch.labels[i] = entry.label;
      batch.turns[i] = entry.turns;
    }
  }

  void read(Slot& slot) const {
    const auto own =
        std::span(slot.samples)
            .subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.count));
    dataset.read(own, slot.batch.samples.data(), Reading::random);
    const ConstMatrixView targets = dataset.targets();
    for (Index i = 0; i < slot.batch.targets.rows(); ++i) {
      std::copy_n(targets.row(slot.samples[static_cast<std::size_t>(i)]), targets.cols(),
                  slot.batch.targets.row(i));
    }
  }

  Slot& slot_of(Index number) { return ring[static_cast<std::size_t>(number) % ring.size()]; }

  const Dataset& dataset;
  const TrainingSet& set;
  Sampler& sampler;
  Index first_step;
  BatchPart part;
  std::vector<Slot> ring;

  std::mutex drawing;  // over the sampler; taken before the other
  std::mutex lock;     // over what follows
  std::condition_variable changed;
  Index begun = 0;     // batches that were taken up by a thread
  Index taken = 0;     // batches handed out; the caller's thread alone writes it
  Index released = 0;  // batches the caller is through with
  bool stop = false;   // nothing is begun any more

  std::vector<std::thread> threads;
};

Reader::Reader(const Dataset& dataset, const TrainingSet& set, Sampler& sampler, Index first_step,
               Index ahead, int threads)
    : Reader(dataset, set, sampler, first_step, ahead, threads, {0, sampler.batch()}) {}
Reader::Reader(const Dataset& dataset, const TrainingSet& set, Sampler& sampler, Index first_step,
               Index ahead, int threads, const BatchPart& part)
    : impl_(std::make_unique<Impl>(dataset, set, sampler, first_step, ahead, threads, part)) {}
Reader::~Reader() = default;

const Batch& Reader::next() {
  std::unique_lock guard(impl_->lock);
  impl_->released = impl_->taken;
  const Index number = impl_->taken;
  // Waking a thread takes longer than all else here: once for several batches.
  if (2 * (impl_->begun - number) <= static_cast<Index>(impl_->ring.size())) {
    impl_->changed.notify_all();
  }
  Impl::Slot& slot = impl_->slot_of(number);
  impl_->changed.wait(guard, [&] { return impl_->begun > number && slot.filled; });
  if (slot.error) std::rethrow_exception(slot.error);
  ++impl_->taken;
  return slot.batch;
}

}  // namespace kindred
