#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kindred/core/buffer.h"

namespace kindred {

/// Sorted scores, falling, with the question how many of them are not below a score. A tree of
/// nodes of 16: node i of a level holds the last score of each of 16 nodes of the level below.
class SortedScores {
 public:
  /// `next(i)` is the i-th score, i in [0, size), falling.
  template <typename Next>
  void build(Index size, Next next);

  Index size() const { return size_; }
  /// The scores, filled up with minus infinity to whole nodes.
  const float* leaves() const { return nodes_.data(); }
  float operator[](Index i) const { return nodes_[i]; }
  Index count_not_below(float score) const;

  static constexpr Index kNode = 16;

 private:
  static constexpr int kMostLevels = 9;  // 16^9 scores and more than memory holds
  Index size_ = 0;
  int levels_ = 0;
  Index first_[kMostLevels];  // where in nodes_ each level begins, leaves first
  Buffer<float> nodes_;
};

/// The ranks of one query's relevant samples, found by counting: the relevant scores are sorted,
/// and each score of an irrelevant sample falls into one of the gaps between them.
class RankCounter {
 public:
  void start();
  void add_relevant(float score, Index row);
  /// After the last relevant one, before the first irrelevant. Ranks beyond `most` need not be
  /// exact then, except the first.
  void sort(Index most, std::vector<std::uint64_t>& scratch);
  Index relevant() const { return static_cast<Index>(keys_.size()); }

  /// Counts irrelevant samples: scores[j] is that of row rows[j]; minus infinity is passed over.
  /// `scores` is readable up to a multiple of 64, with minus infinity behind `count`.
  void count(const float* scores, Index count, const Index* rows);

  /// 1-based ranks of the relevant samples, rising. Those beyond `most` are beyond it.
  std::span<const Index> ranks();

 private:
  Index ahead_among_equals(float score, Index row) const;
  void raise_threshold();

  std::vector<std::uint64_t> keys_;  // (score, row) of the relevant ones, nearest first
  SortedScores scores_;              // their scores, in the same order
  std::vector<std::uint32_t> gaps_;  // gaps_[j]: irrelevant ones between j - 1 and j
  std::vector<Index> ranks_;
  Index most_ = 0;
  Index seen_ = 0;        // scores counted, and
  Index next_raise_ = 0;  // when to look for a higher threshold
  float lowest_ = 0;      // scores below it change no rank that matters
};

}  // namespace kindred
