#include "eval/verification/score_bins.h"

#include <algorithm>

namespace kindred {
namespace {

constexpr std::size_t kMostKnots = 4096;

}  // namespace

ScoreBins::ScoreBins(std::vector<double> sample) {
  std::sort(sample.begin(), sample.end());
  std::vector<double> different = sample;
  different.erase(std::unique(different.begin(), different.end()), different.end());
  if (different.size() <= kMostKnots) {
    knots_ = std::move(different);
  } else {
    const std::size_t step = std::max<std::size_t>(1, sample.size() / kMostKnots);
    for (std::size_t i = 0; i < sample.size(); i += step) {
      if (knots_.empty() || sample[i] > knots_.back()) knots_.push_back(sample[i]);
    }
  }
  for (std::size_t i = 0; i + 1 < knots_.size(); ++i) {
    scales_.push_back(static_cast<double>(kBetween - 1) / (knots_[i + 1] - knots_[i]));
  }
  scales_.push_back(0);  // behind the last one: one bin
}

std::size_t ScoreBins::of(double score) const {
  const auto above = std::upper_bound(knots_.begin(), knots_.end(), score);
  if (above == knots_.begin()) return 0;
  const auto knot = static_cast<std::size_t>(above - knots_.begin()) - 1;
  const std::size_t first = (knot + 1) * kBetween;
  if (score == knots_[knot]) return first;
  const double place = (score - knots_[knot]) * scales_[knot];
  return first + 1 + std::min(static_cast<std::size_t>(place), kBetween - 2);
}

void ScoreTallies::add(double score, bool same) {
  tallies_.push_back({score, same ? 1 : 0, same ? 0 : 1});
  if (tallies_.size() >= limit_) merge_equal();
}

void ScoreTallies::add(const ScoreTallies& other) {
  tallies_.insert(tallies_.end(), other.tallies_.begin(), other.tallies_.end());
}

void ScoreTallies::sort() { merge_equal(); }

void ScoreTallies::merge_equal() {
  std::sort(tallies_.begin(), tallies_.end(),
            [](const ScoreTally& a, const ScoreTally& b) { return a.score < b.score; });
  std::size_t kept = 0;
  for (const ScoreTally& one : tallies_) {
    if (kept > 0 && tallies_[kept - 1].score == one.score) {
      tallies_[kept - 1].same += one.same;
      tallies_[kept - 1].different += one.different;
    } else {
      tallies_[kept++] = one;
    }
  }
  tallies_.resize(kept);
  limit_ = std::max(limit_, 2 * kept);
}

}  // namespace kindred
