#pragma once
#include <algorithm>
#include <limits>
#include <vector>

#include "eval/scores/score_keys.h"
#include "kindred/core/index.h"

namespace kindred {

/// The best k of the candidates that one query has met, in any order: by falling score, ties to the
/// lower index. Candidates are gathered; when there is no room, all but the best k go, and the k-th
/// is the new threshold.
class BestNeighbors {
 public:
  /// Candidates that one query gathers.
  static Index room(Index k) { return k + std::max<Index>(k, 64); }

  void start(Index k) {
    k_ = static_cast<std::size_t>(k);
    keys_.clear();
    keys_.reserve(static_cast<std::size_t>(room(k)));
    limit_ = std::numeric_limits<std::uint64_t>::max();
    threshold_ = -std::numeric_limits<float>::infinity();
  }
  /// No score below it has a chance.
  float threshold() const { return threshold_; }
  /// True where the threshold rose.
  bool add(float score, Index position, std::vector<std::uint64_t>& scratch) {
    const std::uint64_t key = order_key(score, static_cast<std::uint32_t>(position));
    if (key > limit_) return false;
    keys_.push_back(key);
    if (keys_.size() < keys_.capacity()) return false;
    shrink(scratch);
    return true;
  }
  /// The keys of the best k, nearest first.
  const std::vector<std::uint64_t>& finish(std::vector<std::uint64_t>& scratch) {
    if (keys_.size() > k_) shrink(scratch);
    sort_keys(keys_, scratch);
    return keys_;
  }

 private:
  void shrink(std::vector<std::uint64_t>& scratch) {
    limit_ = keep_smallest(keys_, k_, scratch);
    threshold_ = score_of_key(limit_);
  }

  std::size_t k_ = 0;
  std::vector<std::uint64_t> keys_;
  std::uint64_t limit_ = 0;
  float threshold_ = 0;
};

}  // namespace kindred
