#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "eval/retrieval/rank_metrics.h"
#include "eval/scores/score_kernels.h"
#include "kindred/core/buffer.h"
#include "kindred/core/function_ref.h"

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
  std::vector<std::uint32_t> numbers;
  std::vector<std::uint32_t> more_numbers;
};

/// The tie level of a row of the gallery (ExactQuery::tie_level), or any number that is larger the
/// nearer the row is, equal where rows tie.
using ExactLevel = FunctionRef<double(Index row)>;

/// The ranks of one query's relevant samples, found by counting: the relevant scores are sorted,
/// and each score of an irrelevant sample falls into one of the gaps between them. Scores are a
/// screen's: an irrelevant sample that is closer than the screen's width to a relevant one is
/// looked up exactly. Which relevant sample has which rank does not matter, so that relevant ones
/// may stand in any order among themselves.
class RankCounter {
 public:
  /// `exact` has to outlive all calls until the next start().
  void start(float width, ExactLevel exact);
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
  Index relevant() const { return static_cast<Index>(rows_.size()); }

  /// Counts irrelevant samples: scores[j] is that of row rows[j]; minus infinity is passed over.
  /// `scores` is readable up to a multiple of 64, with minus infinity behind `count`.
  void count(const float* scores, Index count, const Index* rows);

  /// The ranks of the relevant samples; those beyond `most` are beyond it. Ties are complete up to
  /// the rank `most`, and those that begin behind it are left out.
  RankedQuery ranked();

 private:
  // With so many relevant samples their scores and gaps no longer stay in the nearest cache from
  // one block of scores to the next. Scores are gathered then, and counted many at a time.
  static constexpr Index kGathered = 256;

  void count_exactly(Index row);
  void count_pending();
  void raise_threshold();

  float width_ = 0;
  ExactLevel exact_ = kUnknown;
  std::vector<float> unsorted_;      // scores of the relevant ones, and
  std::vector<std::uint32_t> rows_;  // their rows
  SortedScores scores_;              // the same scores, falling
  std::vector<double> levels_;       // their exact levels, falling; empty until asked for
  std::vector<std::uint32_t> gaps_;  // gaps_[j]: irrelevant ones with j relevant ones ahead
  std::vector<std::uint32_t> tied_;  // tied_[j]: those that tie with relevant one j and maybe more
  std::vector<Index> ranks_;
  std::vector<TieGroup> ties_;
  Buffer<float> pending_scores_;  // passed the threshold, not yet counted: see count()
  Buffer<std::uint32_t> pending_rows_;
  std::vector<std::uint32_t> close_;  // places of scores that need the exact ones
  Index pending_ = 0;
  Index most_ = 0;
  Index guessed_ = 0;     // relevant ones above the guessed threshold; 0: none was guessed
  Index seen_ = 0;        // scores counted, and
  Index next_raise_ = 0;  // when to look for a higher threshold
  float lowest_ = 0;      // scores below it change no rank that matters

  static double unknown(Index) { return 0; }
  static constexpr double (*kUnknown)(Index) = &unknown;
};

}  // namespace kindred
