#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/data/dataset.h"
#include "kindred/data/sampler.h"
#include "kindred/data/training_set.h"

namespace KINDRED_API kindred {

/// The raw material of one step.
struct Batch {
  Index step = 0;
  std::vector<Index> entries;  ///< [B], positions in the training set: the sample ids of losses
  std::vector<std::int64_t> labels;  ///< [B]
  std::vector<std::uint8_t> turns;   ///< [B], quarter turns
  Buffer<std::byte> samples;         ///< those of the reader's part x sample_bytes, channels-last
  Matrix targets;                    ///< [B, T], empty where absent
};

/// The samples of each batch that are read, where others read the rest.
struct BatchPart {
  Index first = 0;
  Index count = 0;
};

/// Reads ahead on threads of its own, each a whole batch, with a bounded number of buffers; batches
/// come out in order whatever is read first. No allocation after the first turn of the buffers. A
/// failure while reading is rethrown by next() in its batch's place.
class Reader {
 public:
  /// At most `ahead` batches are read that were not asked for yet.
  Reader(const Dataset& dataset, const TrainingSet& set, Sampler& sampler, Index first_step,
         Index ahead = kAhead, int threads = 1);
  /// Of each batch the samples of `part` alone; all else of it is whole.
  Reader(const Dataset& dataset, const TrainingSet& set, Sampler& sampler, Index first_step,
         Index ahead, int threads, const BatchPart& part);
  ~Reader();
  /// Waits for the next batch; it stays valid until the call after.
  const Batch& next();

  static constexpr Index kAhead = 3;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
