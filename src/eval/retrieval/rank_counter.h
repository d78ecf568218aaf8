#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "eval/scores/score_kernels.h"
#include "kindred/core/buffer.h"

namespace kindred {

/// Sorted scores, falling, as a tree in which the kernels look up how many are not below a score.
class SortedScores {
 public:
  /// `next(i)` is the i-th score, i in [0, size), falling.
  template <typename Next>
  void build(Index size, Next next);

  Index size() const { return tree_.size; }
  float operator[](Index i) const { return nodes_[i]; }
  const ScoreTree& tree() const { return tree_; }

 private:
  ScoreTree tree_{};
  Buffer<float> nodes_;
};

/// Memory that counters of one worker share.
struct RankScratch {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint32_t> more_numbers;
};

/// The ranks of one query's relevant samples, found by counting: the relevant scores are sorted,
/// and each score of an irrelevant sample falls into one of the gaps between them.
class RankCounter {
 public:
  void start();
  /// By rising row.
  void add_relevant(float score, Index row);
  void add_relevant(const float* scores, const Index* rows, Index count);
  /// After the last relevant one, before the first irrelevant. Ranks beyond `most` need not be
  /// exact then, except the first.
  void sort(Index most, RankScratch& scratch);
  /// Whether guess() is worth its sample.
  bool wants_guess() const { return relevant() >= kGathered && most_ <= relevant(); }
  /// A threshold to count with from the start, so that few scores need counting: guessed from
  /// the scores of `count` irrelevant samples drawn from `of`, in any order. After all have been
  /// counted, guess_holds() says whether it was low enough; if not, recount() begins again
  /// without.
  void guess(const float* sample, Index count, Index of, RankScratch& scratch);
  bool guess_holds();
  void recount();
  Index relevant() const { return static_cast<Index>(keys_.size()); }

  /// Counts irrelevant samples: scores[j] is that of row rows[j]; minus infinity is passed over.
  /// `scores` is readable up to a multiple of 64, with minus infinity behind `count`.
  void count(const float* scores, Index count, const Index* rows);

  /// 1-based ranks of the relevant samples, rising. Those beyond `most` are beyond it.
  std::span<const Index> ranks();

 private:
  // With so many relevant samples their scores and gaps no longer stay in the nearest cache from
  // one block of scores to the next. Scores are gathered then, and counted many at a time.
  static constexpr Index kGathered = 256;

  void add_tie(float score, Index row);
  void count_pending();
  Index ahead_among_equals(float score, Index row);
  void raise_threshold();

  std::vector<std::uint64_t> keys_;  // (score, row) of the relevant ones; nearest first if sorted_
  int ties_ = 0;                     // met so far
  bool sorted_ = false;              // many are sorted only where a tie asks for it
  SortedScores scores_;              // their scores, in the same order
  std::vector<std::uint32_t> gaps_;  // gaps_[j]: irrelevant ones between j - 1 and j
  std::vector<Index> ranks_;
  Buffer<float> pending_scores_;  // passed the threshold, not yet counted: see count()
  Buffer<std::uint32_t> pending_rows_;
  std::vector<std::uint32_t> tied_;  // places of scores that relevant ones have, too
  Index pending_ = 0;
  Index most_ = 0;
  Index guessed_ = 0;     // relevant ones above the guessed threshold; 0: none was guessed
  Index seen_ = 0;        // scores counted, and
  Index next_raise_ = 0;  // when to look for a higher threshold
  float lowest_ = 0;      // scores below it change no rank that matters
};

}  // namespace kindred
