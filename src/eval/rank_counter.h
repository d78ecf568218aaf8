#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// The ranks of one query's relevant samples, found by counting: the relevant scores are sorted,
/// and each score of an irrelevant sample falls into one of the gaps between them.
class RankCounter {
 public:
  void start();
  void add_relevant(float score, Index row);
  /// After the last relevant one, before the first irrelevant.
  void sort();
  Index relevant() const { return static_cast<Index>(scores_.size()); }

  /// Counts irrelevant samples: scores[j] is that of row rows[j]; minus infinity is passed over.
  /// `scores` is readable up to a multiple of 64, with minus infinity behind `count`.
  void count(const float* scores, Index count, const Index* rows);

  /// 1-based ranks of the relevant samples, rising.
  std::span<const Index> ranks();

 private:
  Index gap_of(float score, Index row) const;

  std::vector<std::uint64_t> keys_;  // (score, row) of the relevant ones, nearest first
  std::vector<float> scores_;        // their scores, in the same order
  std::vector<Index> gaps_;          // gaps_[j]: irrelevant ones between j - 1 and j
  std::vector<Index> ranks_;
  float lowest_ = 0;
};

}  // namespace kindred
