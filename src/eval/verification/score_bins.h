#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Cuts the line of scores into about four million bins, in order, by a sample of the scores:
/// quantiles of it, each a bin of its own, and between two of them bins of equal width. However the
/// scores are spread, no bin holds more than one or two in four thousand of them, but for those
/// that are equal: what many pairs share is a quantile.
class ScoreBins {
 public:
  explicit ScoreBins(std::vector<double> sample);

  std::size_t count() const { return (knots_.size() + 1) * kBetween; }
  /// Rises with the score.
  std::size_t of(double score) const;
  /// Whether the scores of a bin are all equal.
  static bool is_one_score(std::size_t bin) { return bin >= kBetween && bin % kBetween == 0; }

 private:
  static constexpr std::size_t kBetween = 1024;

  std::vector<double> knots_;   // rising
  std::vector<double> scales_;  // bins per unit of score behind each
};

/// How many pairs of each kind have a score of each bin. Adding whole numbers gives the same sums
/// in any order, so that all workers share one table.
class PairCounts {
 public:
  explicit PairCounts(std::size_t bins)
      : counts_(std::make_unique<std::atomic<Index>[]>(2 * bins)) {}
  void add(bool same, std::size_t bin) {
    counts_[2 * bin + (same ? 1 : 0)].fetch_add(1, std::memory_order_relaxed);
  }
  Index same(std::size_t bin) const { return counts_[2 * bin + 1].load(std::memory_order_relaxed); }
  Index different(std::size_t bin) const {
    return counts_[2 * bin].load(std::memory_order_relaxed);
  }

 private:
  std::unique_ptr<std::atomic<Index>[]> counts_;
};

/// Pairs of equal score.
struct ScoreTally {
  double score = 0;
  Index same = 0;
  Index different = 0;
};

/// Counts scores one by one; memory grows with the number of different ones.
class ScoreTallies {
 public:
  void add(double score, bool same);
  void add(const ScoreTallies& other);
  void sort();
  /// By rising score, each once. REQUIRES: sort() after the last add().
  const std::vector<ScoreTally>& by_score() const { return tallies_; }

 private:
  void merge_equal();

  std::vector<ScoreTally> tallies_;
  std::size_t limit_ = std::size_t{1} << 16;
};

}  // namespace kindred
