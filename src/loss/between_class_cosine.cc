#include "loss/between_class_cosine.h"

#include <algorithm>
#include <numeric>

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

double squared_length(std::span<const double> sum) {
  double total = 0;
  for (const double number : sum) total += number * number;
  return total;
}

}  // namespace

BetweenClassCosine::BetweenClassCosine(Index batch, Index depth)
    : order_(batch), all_(depth + 1), own_(depth + 1) {}

void BetweenClassCosine::measure(ConstScalarView unit, std::span<const Scalar> lengths,
                                 std::span<const std::int64_t> labels) {
  const Index rows = unit.rows();
  const Index depth = unit.cols();
  Index* const order = order_.data();
  std::iota(order, order + rows, Index{0});
  const auto label = [&](Index row) { return labels[static_cast<std::size_t>(row)]; };
  if (!labels.empty()) {
    std::sort(order, order + rows,
              [&](Index a, Index b) { return label(a) != label(b) ? label(a) < label(b) : a < b; });
  }
  std::fill_n(all_.data(), all_.size(), 0.0);
  double within = 0;  // Σ over classes of ‖Σ u‖²
  double pairs = static_cast<double>(rows) * static_cast<double>(rows);
  for (Index first = 0, end = 0; first < rows; first = end) {
    std::fill_n(own_.data(), own_.size(), 0.0);
    do {
      const Scalar* row = unit.row(order[end]);
      for (Index k = 0; k < depth; ++k) own_[k] += static_cast<double>(row[k]);
      if (lengths[static_cast<std::size_t>(order[end])] == 0) own_[depth] += 1;
      ++end;
    } while (end < rows && !labels.empty() && label(order[end]) == label(order[first]));
    for (Index k = 0; k <= depth; ++k) all_[k] += own_[k];
    within += squared_length(own_.span());
    pairs -= static_cast<double>(end - first) * static_cast<double>(end - first);
  }
  mean_ = pairs > 0 ? std::clamp((squared_length(all_.span()) - within) / pairs, -1.0, 1.0) : kNone;
}

void BetweenClassCosine::measure_equality(ConstScalarView rows) {
  mean_ = rows.rows() > 1 ? 1 : kNone;
  for (Index i = 1; i < rows.rows(); ++i) {
    if (!std::equal(rows.row(i), rows.row(i) + rows.cols(), rows.row(0))) mean_ = kNone;
  }
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
