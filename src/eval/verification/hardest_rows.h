#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

#include "kindred/eval/all_pairs.h"

namespace kindred {

/// The worst mistakes among the pairs that it was shown, in any order: the same ones.
class HardestRows {
 public:
  explicit HardestRows(Index most = 0) : most_(static_cast<std::size_t>(most)) {}

  void look(bool same, const ScoredRows& pair) {
    if (most_ == 0) return;
    if (same) {
      keep(pair, false_rejects_, is_lower);
    } else {
      keep(pair, false_accepts_, is_higher);
    }
  }
  void add(const HardestRows& others) {
    for (const ScoredRows& pair : others.false_accepts_) look(false, pair);
    for (const ScoredRows& pair : others.false_rejects_) look(true, pair);
  }
  std::vector<ScoredRows> false_accepts() const { return sorted(false_accepts_, is_higher); }
  std::vector<ScoredRows> false_rejects() const { return sorted(false_rejects_, is_lower); }

 private:
  using Order = bool (*)(const ScoredRows&, const ScoredRows&);

  static bool comes_first(const ScoredRows& a, const ScoredRows& b) {
    return a.first != b.first ? a.first < b.first : a.second < b.second;
  }
  static bool is_higher(const ScoredRows& a, const ScoredRows& b) {
    return a.score != b.score ? a.score > b.score : comes_first(a, b);
  }
  static bool is_lower(const ScoredRows& a, const ScoredRows& b) {
    return a.score != b.score ? a.score < b.score : comes_first(a, b);
  }
  /// A heap whose front is the one that goes next.
  void keep(const ScoredRows& pair, std::vector<ScoredRows>& heap, Order is_worse) const {
    if (heap.size() < most_) {
      heap.push_back(pair);
      std::push_heap(heap.begin(), heap.end(), is_worse);
    } else if (is_worse(pair, heap.front())) {
      std::pop_heap(heap.begin(), heap.end(), is_worse);
      heap.back() = pair;
      std::push_heap(heap.begin(), heap.end(), is_worse);
    }
  }
  static std::vector<ScoredRows> sorted(std::vector<ScoredRows> pairs, Order is_worse) {
    std::sort(pairs.begin(), pairs.end(), is_worse);
    return pairs;
  }

  std::size_t most_;
  std::vector<ScoredRows> false_accepts_, false_rejects_;
};

}  // namespace kindred
