#include "eval/rank_counter.h"

#include <algorithm>

#include "eval/score_filter.h"

namespace kindred {

void RankCounter::start() { keys_.clear(); }

void RankCounter::add_relevant(float score, Index row) {
  keys_.push_back(order_key(score, static_cast<std::uint32_t>(row)));
}

void RankCounter::sort() {
  std::sort(keys_.begin(), keys_.end());
  scores_.resize(keys_.size());
  std::transform(keys_.begin(), keys_.end(), scores_.begin(), score_of_key);
  gaps_.assign(keys_.size() + 1, 0);
  lowest_ = scores_.empty() ? 0.0F : scores_.back();
}

void RankCounter::count(const float* scores, Index count, const Index* rows) {
  for_each_passing<Keep::not_below>(scores, count, lowest_, [&](Index j) {
    ++gaps_[static_cast<std::size_t>(gap_of(scores[j], rows[j]))];
  });
}

// How many relevant ones stand before an irrelevant sample.
Index RankCounter::gap_of(float score, Index row) const {
  // Halving without branches: `first` ends at the number of relevant scores >= score.
  const float* first = scores_.data();
  for (std::size_t length = scores_.size(); length > 0;) {
    const std::size_t half = (length + 1) / 2;
    first += first[half - 1] >= score ? half : 0;
    length -= half;
  }
  const Index ahead = first - scores_.data();
  if (ahead == 0 || scores_[static_cast<std::size_t>(ahead - 1)] > score) return ahead;
  // An equal score: the lower row is nearer.
  const auto key = order_key(score, static_cast<std::uint32_t>(row));
  return std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin();
}

std::span<const Index> RankCounter::ranks() {
  ranks_.clear();
  Index before = 0;
  for (std::size_t j = 0; j < keys_.size(); ++j) {
    before += gaps_[j];
    ranks_.push_back(before + static_cast<Index>(j) + 1);
  }
  return ranks_;
}

}  // namespace kindred
