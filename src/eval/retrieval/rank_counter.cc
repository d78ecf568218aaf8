#include "eval/retrieval/rank_counter.h"

#include <algorithm>
#include <cmath>

#include "eval/scores/score_keys.h"

namespace kindred {
namespace {

constexpr Index kPending = 4096;
constexpr int kTiesLookedUp = 16;  // one by one; with more of them the keys are sorted
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
  if (relevant() < kGathered) {
    if (tied_.size() < static_cast<std::size_t>(count))
      tied_.resize(static_cast<std::size_t>(count));
    const Index tied = kernels<ScoreKernels>().tally(scores_.tree(), scores, count, lowest_,
                                                     gaps_.data(), tied_.data());
    for (Index t = 0; t < tied; ++t) {
      const auto j = static_cast<Index>(tied_[static_cast<std::size_t>(t)]);
      add_tie(scores[j], rows[j]);
    }
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

void RankCounter::add_tie(float score, Index row) {
  ++gaps_[static_cast<std::size_t>(ahead_among_equals(score, row))];
}

void RankCounter::count_pending() {
  if (tied_.size() < static_cast<std::size_t>(pending_)) {
    tied_.resize(static_cast<std::size_t>(pending_));
  }
  const Index tied = kernels<ScoreKernels>().tally_all(scores_.tree(), pending_scores_.data(),
                                                       pending_, gaps_.data(), tied_.data());
  for (Index t = 0; t < tied; ++t) {
    const auto i = static_cast<Index>(tied_[static_cast<std::size_t>(t)]);
    add_tie(pending_scores_[i], static_cast<Index>(pending_rows_[i]));
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
