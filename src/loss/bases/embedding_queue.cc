#include "loss/bases/embedding_queue.h"

#include <algorithm>

namespace kindred {
inline namespace KINDRED_SCALAR {

EmbeddingQueue::EmbeddingQueue(const LossContext& context, Index size, State& state)
    : size_(size),
      depth_(context.embedding),
      rows_(state.add<Scalar>(context.name + ".memory.rows", {size, depth_})),
      labels_(state.add<std::int64_t>(context.name + ".memory.labels", {size})),
      ids_(state.add<std::int64_t>(context.name + ".memory.ids", {size})),
      position_(state.add<std::int64_t>(context.name + ".memory.position", {2})) {}

void EmbeddingQueue::enqueue(ConstScalarView rows, std::span<const std::int64_t> labels,
                             std::span<const Index> sample_ids) {
  for (Index i = 0; i < rows.rows(); ++i) {
    const auto next = std::clamp<Index>(position_[0], 0, size_ - 1);
    std::copy_n(rows.row(i), depth_, rows_.data() + next * depth_);
    labels_[static_cast<std::size_t>(next)] = labels[static_cast<std::size_t>(i)];
    ids_[static_cast<std::size_t>(next)] = sample_ids[static_cast<std::size_t>(i)];
    position_[0] = (next + 1) % size_;
    position_[1] = std::max<std::int64_t>(count(), next + 1);
  }
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
