#include "eval/scores/class_order.h"

#include <algorithm>
#include <numeric>

namespace kindred {

ClassOrder::ClassOrder(std::span<const std::int64_t> labels) : rows_(labels.size()) {
  std::iota(rows_.begin(), rows_.end(), Index{0});
  const auto label_of = [&](Index row) { return labels[static_cast<std::size_t>(row)]; };
  std::stable_sort(rows_.begin(), rows_.end(),
                   [&](Index a, Index b) { return label_of(a) < label_of(b); });
  labels_.reserve(rows_.size());
  for (const Index row : rows_) labels_.push_back(label_of(row));
}

ClassOrder::Range ClassOrder::range(std::int64_t label) const {
  const auto [first, last] = std::equal_range(labels_.begin(), labels_.end(), label);
  return {first - labels_.begin(), last - labels_.begin()};
}

}  // namespace kindred
