#include "eval/retrieval/rank_counter.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "eval/scores/score_keys.h"

namespace kindred {
namespace {

constexpr Index kPending = 4096;
constexpr Index kNever = std::numeric_limits<Index>::max();

}  // namespace

template <typename Next>
void SortedScores::build(Index size, Next next) {
  constexpr Index kNode = ScoreTree::kNode;
  tree_.size = size;
  tree_.levels = 0;
  Index total = 0;
  // One leaf more than there are scores: it is never counted, so that no count leads behind the
  // end.
  for (Index length = size + 1;; length = blocks_of(length, kNode)) {
    tree_.first[tree_.levels++] = total;
    total += round_up(length, kNode);
    if (length <= kNode) break;
  }
  if (nodes_.size() < total) nodes_ = Buffer<float>(total);
  tree_.nodes = nodes_.data();
  // Filling up with minus infinity adds nothing to a count.
  std::fill_n(nodes_.data(), total, -std::numeric_limits<float>::infinity());
  for (Index i = 0; i < size; ++i) nodes_[i] = next(i);
  for (int level = 1; level < tree_.levels; ++level) {
    const Index above = tree_.first[level];
    const Index below = tree_.first[level - 1];
    for (Index i = 0; i < (above - below) / kNode; ++i) {
      nodes_[above + i] = nodes_[below + i * kNode + kNode - 1];
    }
  }
}

void RankCounter::start(float width, ExactLevel exact) {
  width_ = width;
  exact_ = exact;
  unsorted_.clear();
  rows_.clear();
  guessed_ = 0;
  pending_ = 0;
}

void RankCounter::add_relevant(float score, Index row) {
  unsorted_.push_back(score);
  rows_.push_back(static_cast<std::uint32_t>(row));
}

void RankCounter::add_relevant(const float* scores, const Index* rows, Index count) {
  for (Index i = 0; i < count; ++i) add_relevant(scores[i], rows[i]);
}

void RankCounter::sort(Index most, RankScratch& scratch) {
  if (rows_.empty()) return;
  scratch.numbers.resize(unsorted_.size());
  std::transform(unsorted_.begin(), unsorted_.end(), scratch.numbers.begin(),
                 [](float score) { return upper_half(order_key(score, 0)); });
  sort_numbers(scratch.numbers, scratch.more_numbers);
  scores_.build(relevant(), [&](Index i) {
    return score_of_upper_half(scratch.numbers[static_cast<std::size_t>(i)]);
  });
  most_ = most;
  levels_.clear();
  recount();
}

void RankCounter::recount() {
  if (rows_.empty()) return;
  gaps_.assign(rows_.size() + 1, 0);
  tied_.clear();
  seen_ = 0;
  pending_ = 0;
  guessed_ = 0;
  next_raise_ = 2 * most_;
  lowest_ = scores_[relevant() - 1] - width_;
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
      lowest_ = scores_[j] - width_;
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
  if (relevant() < kGathered) {
    if (close_.size() < static_cast<std::size_t>(count)) {
      close_.resize(static_cast<std::size_t>(count));
    }
    const Index close = kernels<ScoreKernels>().tally(scores_.tree(), scores, count, lowest_,
                                                      width_, gaps_.data(), close_.data());
    for (Index c = 0; c < close; ++c) count_exactly(rows[close_[static_cast<std::size_t>(c)]]);
  } else {
    if (pending_ + count > pending_scores_.size()) count_pending();
    if (count > pending_scores_.size()) {
      pending_scores_ = Buffer<float>(std::max(kPending, count));
      pending_rows_ = Buffer<std::uint32_t>(std::max(kPending, count));
    }
    pending_ += kernels<ScoreKernels>().keep(scores, count, lowest_, rows,
                                             pending_scores_.data() + pending_,
                                             pending_rows_.data() + pending_);
  }
  seen_ += count;
  if (seen_ >= next_raise_) raise_threshold();
}

void RankCounter::count_pending() {
  if (close_.size() < static_cast<std::size_t>(pending_)) {
    close_.resize(static_cast<std::size_t>(pending_));
  }
  const Index close = kernels<ScoreKernels>().tally_all(
      scores_.tree(), pending_scores_.data(), pending_, width_, gaps_.data(), close_.data());
  for (Index c = 0; c < close; ++c) {
    count_exactly(pending_rows_[static_cast<Index>(close_[static_cast<std::size_t>(c)])]);
  }
  pending_ = 0;
}

void RankCounter::count_exactly(Index row) {
  if (levels_.empty()) {
    for (const std::uint32_t own : rows_) levels_.push_back(exact_(own));
    std::sort(levels_.begin(), levels_.end(), std::greater<>());
  }
  const double level = exact_(row);
  const auto at = std::lower_bound(levels_.begin(), levels_.end(), level, std::greater<>());
  const auto ahead = static_cast<std::size_t>(at - levels_.begin());
  if (at == levels_.end() || *at != level) {
    ++gaps_[ahead];
    return;
  }
  if (tied_.empty()) tied_.resize(rows_.size());
  ++tied_[ahead];
}

// A relevant sample whose rank has passed `most_` matters no more, nor what stands behind it. What
// is below the threshold is surely behind all relevant samples whose scores are not.
void RankCounter::raise_threshold() {
  count_pending();
  Index before = 0;
  Index last = 0;
  for (Index j = 0; j < relevant(); ++j) {
    before += gaps_[static_cast<std::size_t>(j)];
    if (before + j + 1 > most_) break;
    last = j;
  }
  lowest_ = scores_[last] - width_;
  next_raise_ = 4 * seen_;
}

RankedQuery RankCounter::ranked() {
  count_pending();
  ranks_.resize(rows_.size());
  ties_.clear();
  Index before = 0;
  for (Index j = 0; j < relevant();) {
    const auto first = static_cast<std::size_t>(j);
    before += gaps_[first];
    const Index others = tied_.empty() ? 0 : tied_[first];
    const Index begin = j;
    ranks_[first] = before + ++j;
    if (others == 0) continue;
    // Nothing stands between relevant samples of one level.
    for (; j < relevant() && levels_[static_cast<std::size_t>(j)] == levels_[first]; ++j) {
      ranks_[static_cast<std::size_t>(j)] = before + j + 1;
    }
    if (ranks_[first] <= most_ || begin == 0) ties_.push_back({begin, j - begin, others});
    before += others;
  }
  return {ranks_, ties_};
}

}  // namespace kindred
