#include "kindred/data/reader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "kindred/core/parallel.h"

namespace kindred {

struct Reader::Impl {
  Impl(const Dataset& dataset_, const TrainingSet& set_, Sampler& sampler_, Index first_step_,
       Index ahead)
      : dataset(dataset_), set(set_), sampler(sampler_), first_step(first_step_) {
    const auto batch = static_cast<std::size_t>(sampler.batch());
    ring.resize(static_cast<std::size_t>(std::max<Index>(ahead, 1)) + 1);  // one is being read
    for (Batch& slot : ring) {
      slot.entries.resize(batch);
      slot.labels.resize(batch);
      slot.turns.resize(batch);
      slot.samples = Buffer<std::byte>(sampler.batch() * dataset.sample_bytes());
      if (!dataset.targets().empty()) {
        slot.targets = Matrix(sampler.batch(), dataset.targets().cols());
      }
    }
    samples.resize(batch);
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::lock_guard guard(lock);
      stop = true;
    }
    changed.notify_all();
    thread.join();
  }

  void run() {
    const ComputeScope scope;
    try {
      for (Index number = 0;; ++number) {
        {
          std::unique_lock guard(lock);
          changed.wait(guard,
                       [&] { return stop || number - released < static_cast<Index>(ring.size()); });
          if (stop) return;
        }
        fill(first_step + number, slot(number));
        {
          const std::lock_guard guard(lock);
          filled = number + 1;
        }
        changed.notify_all();
      }
    } catch (...) {
      {
        const std::lock_guard guard(lock);
        error = std::current_exception();
      }
      changed.notify_all();
    }
  }

  void fill(Index step, Batch& batch) {
    batch.step = step;
    sampler.draw(step, batch.entries);
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      const TrainingSet::Entry& entry = set.entries[static_cast<std::size_t>(batch.entries[i])];
      samples[i] = entry.sample;
      batch.labels[i] = entry.label;
      batch.turns[i] = entry.turns;
    }
    dataset.read(samples, batch.samples.data());
    const ConstMatrixView targets = dataset.targets();
    for (Index i = 0; i < batch.targets.rows(); ++i) {
      std::copy_n(targets.row(samples[static_cast<std::size_t>(i)]), targets.cols(),
                  batch.targets.row(i));
    }
  }

  Batch& slot(Index number) { return ring[static_cast<std::size_t>(number) % ring.size()]; }

  const Dataset& dataset;
  const TrainingSet& set;
  Sampler& sampler;
  Index first_step;
  std::vector<Batch> ring;
  std::vector<Index> samples;  // of the batch being filled

  std::mutex lock;  // over what follows
  std::condition_variable changed;
  Index filled = 0;    // batches read so far
  Index taken = 0;     // batches handed out; the caller's thread alone writes it
  Index released = 0;  // batches the caller is through with
  bool stop = false;
  std::exception_ptr error;

  std::thread thread;
};

Reader::Reader(const Dataset& dataset, const TrainingSet& set, Sampler& sampler, Index first_step,
               Index ahead)
    : impl_(std::make_unique<Impl>(dataset, set, sampler, first_step, ahead)) {}
Reader::~Reader() = default;

const Batch& Reader::next() {
  std::unique_lock guard(impl_->lock);
  impl_->released = impl_->taken;
  impl_->changed.notify_all();
  impl_->changed.wait(guard, [&] { return impl_->filled > impl_->taken || impl_->error; });
  if (impl_->filled == impl_->taken) std::rethrow_exception(impl_->error);
  return impl_->slot(impl_->taken++);
}

}  // namespace kindred
