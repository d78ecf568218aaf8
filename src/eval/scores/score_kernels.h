#pragma once
#include <cstdint>

#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// Sorted scores, falling, as a tree of nodes of 16 (rank_counter.h): node i of a level holds the
/// last score of each of 16 nodes of the level below. Filled up with minus infinity.
struct ScoreTree {
  static constexpr Index kNode = 16;
  static constexpr int kMostLevels = 9;  // 16^9 scores and more than memory holds

  const float* nodes;  // 64-byte aligned
  Index size;          // scores
  int levels;
  Index first[kMostLevels];  // where in nodes each level begins, leaves first
};

/// The loops over scores of a block. `scores` are readable up to a multiple of 64, with minus
/// infinity behind `count`. Places are rising; there must be room for `count` of them.
struct ScoreKernels {
  static constexpr Isa kHighest = Isa::v4;

  /// Where the scores not below `threshold` stand; returns how many.
  Index (*not_below)(const float* scores, Index count, float threshold, std::uint32_t* places);
  /// The same, each score with a threshold of its own, which are readable as far as the scores.
  Index (*not_below_each)(const float* scores, Index count, const float* thresholds,
                          std::uint32_t* places);

  /// Appends the scores not below `threshold`, with the rows they belong to; returns how many.
  Index (*keep)(const float* scores, Index count, float threshold, const Index* rows,
                float* kept_scores, std::uint32_t* kept_rows);

  /// Counts the scores not below `threshold` into gaps[how many of the tree are not below it].
  /// Scores within `width` of one that the tree holds are not counted: their places are written,
  /// returns how many.
  Index (*tally)(const ScoreTree& tree, const float* scores, Index count, float threshold,
                 float width, std::uint32_t* gaps, std::uint32_t* close);
  /// The same for any number of scores, all of which count.
  Index (*tally_all)(const ScoreTree& tree, const float* scores, Index count, float width,
                     std::uint32_t* gaps, std::uint32_t* close);

  /// scores[j] := minus the squared distance, of the inner product, the query's q · q and g · g.
  void (*finish_euclidean)(float* scores, Index count, float query, const float* squares);
};

}  // namespace kindred
