#include "eval/retrieval/rank_counter.h"

#include <algorithm>
#include <cmath>

#include "eval/scores/score_filter.h"
#include "eval/scores/score_keys.h"

namespace kindred {
namespace {

constexpr Index kPending = 4096;
constexpr int kTiesLookedUp = 16;  // one by one; with more of them the keys are sorted
constexpr Index kNever = std::numeric_limits<Index>::max();

}  // namespace

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

template <Index count>
inline void SortedScores::count_not_below(const float* scores, Index* counts) const {
  // The number of nodes below whose last score is not below `score` is the node to look into.
  std::fill_n(counts, count, Index{0});
  for (int level = levels_ - 1; level >= 0; --level) {
    const float* const nodes = nodes_.data() + first_[level];
    for (Index i = 0; i < count; ++i) {
      counts[i] = counts[i] * kNode + count16(nodes + counts[i] * kNode, scores[i]);
    }
  }
}

void RankCounter::start() {
  keys_.clear();
  guessed_ = 0;
  pending_ = 0;
}

void RankCounter::add_relevant(float score, Index row) {
  keys_.push_back(order_key(score, static_cast<std::uint32_t>(row)));
}

void RankCounter::add_relevant(const float* scores, const Index* rows, Index count) {
  const std::size_t known = keys_.size();
  keys_.resize(known + static_cast<std::size_t>(count));
  std::uint64_t* const keys = keys_.data() + known;
  for (Index i = 0; i < count; ++i) {
    keys[i] = order_key(scores[i], static_cast<std::uint32_t>(rows[i]));
  }
}

void RankCounter::sort(Index most, RankScratch& scratch) {
  if (keys_.empty()) return;
  sorted_ = relevant() < kGathered;
  if (sorted_) {
    sort_keys_by_score(keys_, scratch.keys);
    scores_.build(relevant(),
                  [&](Index i) { return score_of_key(keys_[static_cast<std::size_t>(i)]); });
  } else {
    scratch.numbers.resize(keys_.size());
    std::transform(keys_.begin(), keys_.end(), scratch.numbers.begin(), upper_half);
    sort_numbers(scratch.numbers, scratch.more_numbers);
    scores_.build(relevant(), [&](Index i) {
      return score_of_upper_half(scratch.numbers[static_cast<std::size_t>(i)]);
    });
  }
  most_ = most;
  ties_ = 0;
  recount();
}

void RankCounter::recount() {
  if (keys_.empty()) return;
  gaps_.assign(keys_.size() + 1, 0);
  seen_ = 0;
  pending_ = 0;
  guessed_ = 0;
  next_raise_ = 2 * most_;
  lowest_ = scores_[relevant() - 1];
}

// At least most_ samples should be not below the threshold, as far as the sample tells: four
// standard deviations are taken off what it promises.
void RankCounter::guess(const float* sample, Index count, Index of, RankScratch& scratch) {
  scratch.numbers.resize(static_cast<std::size_t>(count));
  std::transform(sample, sample + count, scratch.numbers.begin(),
                 [](float score) { return upper_half(order_key(score, 0)); });
  sort_numbers(scratch.numbers, scratch.more_numbers);
  const double each = static_cast<double>(of) / static_cast<double>(count);
  Index above = 0;  // of the sample
  for (Index j = 0; j < relevant(); ++j) {
    const std::uint32_t own = upper_half(order_key(scores_[j], 0));
    while (above < count && scratch.numbers[static_cast<std::size_t>(above)] <= own) ++above;
    const auto found = static_cast<double>(above);
    const double sure = std::max(0.0, found - 4 * std::sqrt(found) - 4) * each;
    if (static_cast<double>(j + 1) + sure >= static_cast<double>(most_)) {
      lowest_ = scores_[j];
      guessed_ = j + 1;
      next_raise_ = kNever;
      return;
    }
  }
}

bool RankCounter::guess_holds() {
  if (guessed_ == 0) return true;
  count_pending();
  Index ranked = guessed_;
  for (Index j = 0; j < guessed_; ++j) ranked += gaps_[static_cast<std::size_t>(j)];
  return ranked >= most_;
}

void RankCounter::count(const float* scores, Index count, const Index* rows) {
  const float* const leaves = scores_.leaves();
  const auto count_with = [&](auto ahead_of) {
    for_each_passing<Keep::not_below>(
        scores, count, lowest_, [&](Index j) { add(ahead_of(scores[j]), scores[j], rows[j]); });
  };
  if (relevant() < SortedScores::kNode) {
    count_with([&](float score) { return count16(leaves, score); });
  } else if (relevant() < 2 * SortedScores::kNode) {
    count_with([&](float score) {
      return count16(leaves, score) + count16(leaves + SortedScores::kNode, score);
    });
  } else if (relevant() < kGathered) {
    count_with([&](float score) {
      Index ahead = 0;
      scores_.count_not_below<1>(&score, &ahead);
      return ahead;
    });
  } else {
    if (pending_ + count > pending_scores_.size()) count_pending();
    if (count > pending_scores_.size()) {
      pending_scores_ = Buffer<float>(std::max(kPending, count));
      pending_rows_ = Buffer<std::uint32_t>(std::max(kPending, count));
    }
    pending_ += keep_passing(scores, count, lowest_, rows, pending_scores_.data() + pending_,
                             pending_rows_.data() + pending_);
  }
  seen_ += count;
  if (seen_ >= next_raise_) raise_threshold();
}

inline void RankCounter::add(Index ahead, float score, Index row) {
  if (ahead > 0 && scores_[ahead - 1] == score) ahead = ahead_among_equals(score, row);
  ++gaps_[static_cast<std::size_t>(ahead)];
}

void RankCounter::count_pending() {
  constexpr Index kSide = 8;  // looked up side by side: one alone waits for each level's load
  Index ahead[kSide];
  Index i = 0;
  for (; i + kSide <= pending_; i += kSide) {
    scores_.count_not_below<kSide>(pending_scores_.data() + i, ahead);
    for (Index j = 0; j < kSide; ++j) {
      add(ahead[j], pending_scores_[i + j], static_cast<Index>(pending_rows_[i + j]));
    }
  }
  for (; i < pending_; ++i) {
    scores_.count_not_below<1>(pending_scores_.data() + i, ahead);
    add(ahead[0], pending_scores_[i], static_cast<Index>(pending_rows_[i]));
  }
  pending_ = 0;
}

// A relevant sample whose rank has passed `most_` matters no more, nor what stands behind it.
void RankCounter::raise_threshold() {
  count_pending();
  Index before = 0;
  Index last = 0;
  for (Index j = 0; j < relevant(); ++j) {
    before += gaps_[static_cast<std::size_t>(j)];
    if (before + j + 1 > most_) break;
    last = j;
  }
  lowest_ = scores_[last];
  next_raise_ = 4 * seen_;
}

// How many relevant ones stand before an irrelevant sample that shares its score with some: the
// lower row is nearer.
Index RankCounter::ahead_among_equals(float score, Index row) {
  const auto key = order_key(score, static_cast<std::uint32_t>(row));
  if (!sorted_) {
    if (++ties_ <= kTiesLookedUp) {
      return std::count_if(keys_.begin(), keys_.end(), [key](auto other) { return other < key; });
    }
    std::vector<std::uint64_t> scratch;
    sort_keys_by_score(keys_, scratch);
    sorted_ = true;
  }
  return std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin();
}

std::span<const Index> RankCounter::ranks() {
  count_pending();
  ranks_.resize(keys_.size());
  Index before = 0;
  for (std::size_t j = 0; j < keys_.size(); ++j) {
    before += gaps_[j];
    ranks_[j] = before + static_cast<Index>(j) + 1;
  }
  return ranks_;
}

}  // namespace kindred
