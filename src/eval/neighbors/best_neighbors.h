#pragma once
#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "eval/scores/exact_scores.h"
#include "eval/scores/score_blocks.h"
#include "eval/scores/score_keys.h"
#include "kindred/core/index.h"

namespace kindred {

/// What a worker needs to look up exact scores; shared by all that it searches for.
struct Rescoring {
  /// Positions of `gallery` are rows of `scores`.
  Rescoring(const Gallery& screened, const ExactScores& scores, const RowsView& asked)
      : gallery(screened), queries(asked), exact(scores) {}

  const Gallery& gallery;
  RowsView queries;
  ExactQuery exact;
};

/// A row of the gallery with its exact score.
struct ScoredRow {
  double score;
  std::uint32_t row;
};
/// By falling score, ties to the lower row.
inline bool is_nearer(const ScoredRow& a, const ScoredRow& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

/// The best k of the candidates that one query has met, in any order: by falling exact score, ties
/// to the lower row. Candidates are gathered by the screen's scores; when there is no room, those
/// go that k others are surely nearer than. Where that makes no room, because the screen's bound is
/// wide for these rows, all are scored exactly and the best k stay.
class BestNeighbors {
 public:
  /// Candidates that one of many queries at once gathers: of bytes the bound leaves some four times
  /// as many open.
  static Index room(Index k, Detail detail) {
    return detail == Detail::bytes ? 4 * k + 100 : k + std::max<Index>(k, 64);
  }
  /// The same where few are searched for at once: with more room bytes serve larger galleries.
  static Index wide_room(Index k, Detail detail) {
    return detail == Detail::bytes ? 8 * k + 400 : room(k, detail);
  }

  /// `query_error`: Screen::Row::error. `room`: for candidates, more than k.
  void start(Index k, float query_error, Index room) {
    k_ = static_cast<std::size_t>(k);
    query_error_ = query_error;
    keys_.clear();
    keys_.reserve(static_cast<std::size_t>(room));
    best_.clear();
    threshold_ = std::numeric_limits<float>::lowest();  // no score is minus infinity
  }
  /// No screen score below it has a chance.
  float threshold() const { return threshold_; }
  /// A candidate whose screen score is not below the threshold; true where that rose.
  bool add(float score, Index row, Index query, Rescoring& rescoring) {
    keys_.push_back(order_key(score, static_cast<std::uint32_t>(row)));
    if (keys_.size() < keys_.capacity()) return false;
    shrink(query, rescoring);
    return true;
  }
  /// No candidates come any more: those that are left are on their way from memory. Worth it
  /// while other queries finish.
  void close(const Rescoring& rescoring);
  /// The best k, nearest first.
  std::span<const ScoredRow> finish(Index query, Rescoring& rescoring);

 private:
  void shrink(Index query, Rescoring& rescoring);
  void drop_hopeless(const Rescoring& rescoring);
  void score_all(Index query, Rescoring& rescoring);

  std::size_t k_ = 0;
  float query_error_ = 0;
  float threshold_ = 0;
  std::vector<std::uint64_t> keys_;  // not scored exactly yet
  std::vector<ScoredRow> best_;      // scored exactly
};

}  // namespace kindred
