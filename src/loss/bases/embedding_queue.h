#pragma once
#include <algorithm>
#include <span>

#include "kindred/loss/loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// The embeddings of past steps, the oldest overwritten first, as further rows to compare a batch
/// with. Lives in State: "NAME.memory.rows" [size, D], ".labels", ".ids" [size] and ".position"
/// [2], the next row to write and how many stand.
/// Source: Wang et al. 2020, Cross-Batch Memory.
class EmbeddingQueue {
 public:
  EmbeddingQueue(const LossContext& context, Index size, State& state);

  /// Adds the rows of a batch with their labels and sample ids.
  void enqueue(ConstScalarView rows, std::span<const std::int64_t> labels,
               std::span<const Index> sample_ids);

  /// The most rows there may be.
  Index size() const { return size_; }
  /// Within the queue, whatever a checkpoint says.
  Index count() const { return std::clamp<Index>(position_[1], 0, size_); }
  ConstScalarView rows() const { return {rows_.data(), count(), depth_}; }
  std::int64_t label(Index j) const { return labels_[static_cast<std::size_t>(j)]; }
  std::int64_t id(Index j) const { return ids_[static_cast<std::size_t>(j)]; }

 private:
  Index size_;
  Index depth_;
  std::span<Scalar> rows_;
  std::span<std::int64_t> labels_;
  std::span<std::int64_t> ids_;
  std::span<std::int64_t> position_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
