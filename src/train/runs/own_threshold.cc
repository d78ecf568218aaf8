#include "train/runs/own_threshold.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "kindred/eval/all_pairs.h"

namespace kindred {
namespace {

constexpr Index kMostSamples = 4096;  // 8 million pairs: 0.1 s on one core

// Neither kind of pair is missing, and there are enough different ones for the rate.
bool tells(const std::vector<std::int64_t>& labels) {
  std::vector<std::int64_t> sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  double same = 0;
  for (auto first = sorted.begin(); first != sorted.end();) {
    const auto last = std::upper_bound(first, sorted.end(), *first);
    const auto count = static_cast<double>(last - first);
    same += count * (count - 1) / 2;
    first = last;
  }
  const auto all = static_cast<double>(labels.size());
  return same >= 1 && (all * (all - 1) / 2 - same) * kThresholdFar >= 1;
}

}  // namespace

std::optional<double> own_threshold(ConstMatrixView rows, const Dataset& dataset,
                                    std::span<const Index> samples, const Workers& workers) {
  if (!dataset.has_labels()) return std::nullopt;
  const Index count = std::min(kMostSamples, rows.rows());
  Matrix chosen(count, rows.cols());
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < count; ++i) {
    const Index row = i * rows.rows() / count;
    std::copy_n(rows.row(row), rows.cols(), chosen.row(i));
    labels.push_back(
        dataset.labels()[static_cast<std::size_t>(samples[static_cast<std::size_t>(row)])]);
  }
  if (!tells(labels)) return std::nullopt;
  const AllPairsResult result =
      verify_all_pairs(workers, chosen.view(), labels, {.far = {kThresholdFar}});
  for (const MetricValue& value : result.verification.thresholds) {
    if (value.name != "threshold_best" && std::isfinite(value.value)) {
      return std::clamp(value.value, -1.0, 1.0);
    }
  }
  return std::nullopt;
}

}  // namespace kindred
