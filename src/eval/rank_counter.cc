#include "eval/rank_counter.h"

#include <algorithm>

#include "eval/score_filter.h"
#include "eval/score_keys.h"

namespace kindred {

template <typename Next>
void SortedScores::build(Index size, Next next) {
  size_ = size;
  levels_ = 0;
  Index total = 0;
  // One leaf more than there are scores: it is never counted, so that no count leads behind the
  // end.
  for (Index length = size + 1;; length = blocks_of(length, kNode)) {
    first_[levels_++] = total;
    total += round_up(length, kNode);
    if (length <= kNode) break;
  }
  if (nodes_.size() < total) nodes_ = Buffer<float>(total);
  // Filling up with minus infinity adds nothing to a count.
  std::fill_n(nodes_.data(), total, -std::numeric_limits<float>::infinity());
  for (Index i = 0; i < size; ++i) nodes_[i] = next(i);
  for (int level = 1; level < levels_; ++level) {
    const Index below = first_[level] - first_[level - 1];
    for (Index i = 0; i < below / kNode; ++i) {
      nodes_[first_[level] + i] = nodes_[first_[level - 1] + i * kNode + kNode - 1];
    }
  }
}

inline Index SortedScores::count_not_below(float score) const {
  // The number of nodes below whose last score is not below `score` is the node to look into.
  Index position = 0;
  for (int level = levels_ - 1; level >= 0; --level) {
    position = position * kNode + count16(nodes_.data() + first_[level] + position * kNode, score);
  }
  return position;
}

void RankCounter::start() {
  keys_.clear();
  seen_ = 0;
}

void RankCounter::add_relevant(float score, Index row) {
  keys_.push_back(order_key(score, static_cast<std::uint32_t>(row)));
}

void RankCounter::sort(Index most, std::vector<std::uint64_t>& scratch) {
  if (keys_.empty()) return;
  sort_keys(keys_, scratch);
  scores_.build(relevant(),
                [&](Index i) { return score_of_key(keys_[static_cast<std::size_t>(i)]); });
  gaps_.assign(keys_.size() + 1, 0);
  most_ = most;
  next_raise_ = most;
  lowest_ = scores_[relevant() - 1];
}

void RankCounter::count(const float* scores, Index count, const Index* rows) {
  const float* const leaves = scores_.leaves();
  std::uint32_t* const gaps = gaps_.data();
  const auto count_with = [&](auto ahead_of) {
    for_each_passing<Keep::not_below>(scores, count, lowest_, [&](Index j) {
      const float score = scores[j];
      Index ahead = ahead_of(score);
      if (ahead > 0 && leaves[ahead - 1] == score) ahead = ahead_among_equals(score, rows[j]);
      ++gaps[ahead];
    });
  };
  if (relevant() < SortedScores::kNode) {
    count_with([&](float score) { return count16(leaves, score); });
  } else if (relevant() < 2 * SortedScores::kNode) {
    count_with([&](float score) {
      return count16(leaves, score) + count16(leaves + SortedScores::kNode, score);
    });
  } else {
    count_with([&](float score) { return scores_.count_not_below(score); });
  }
  seen_ += count;
  if (seen_ >= next_raise_) raise_threshold();
}

// A relevant sample whose rank has passed `most_` matters no more, nor what stands behind it.
void RankCounter::raise_threshold() {
  Index before = 0;
  Index last = 0;
  for (Index j = 0; j < relevant(); ++j) {
    before += gaps_[static_cast<std::size_t>(j)];
    if (before + j + 1 > most_) break;
    last = j;
  }
  lowest_ = scores_[last];
  next_raise_ = 2 * seen_;
}

// How many relevant ones stand before an irrelevant sample that shares its score with some: the
// lower row is nearer.
Index RankCounter::ahead_among_equals(float score, Index row) const {
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
