#include "loss/bases/batch_classes.h"

#include <algorithm>
#include <numeric>

namespace kindred {
inline namespace KINDRED_SCALAR {

BatchClasses::BatchClasses(Index batch) : order_(batch), first_(batch + 1), class_of_(batch) {}

void BatchClasses::group(std::span<const std::int64_t> labels) {
  const auto batch = static_cast<Index>(labels.size());
  const auto label = [&](Index i) { return labels[static_cast<std::size_t>(i)]; };
  std::iota(order_.data(), order_.data() + batch, Index{0});
  std::sort(order_.data(), order_.data() + batch,
            [&](Index a, Index b) { return label(a) != label(b) ? label(a) < label(b) : a < b; });
  count_ = 0;
  for (Index k = 0; k < batch; ++k) {
    if (k == 0 || label(order_[k]) != label(order_[k - 1])) first_[count_++] = k;
    class_of_[order_[k]] = count_ - 1;
  }
  first_[count_] = batch;
}

std::span<const Index> BatchClasses::members(Index c) const {
  return {order_.data() + first_[c], static_cast<std::size_t>(first_[c + 1] - first_[c])};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
