#include "eval/scores/score_kernels.h"

#include <algorithm>
#include <bit>

#include "core/register.h"

namespace kindred {
namespace {

// What a score is compared with: one threshold for all, or one each.
struct OneThreshold {
  float value;
};
struct ThresholdEach {
  const float* values;
};

constexpr Index kLanes = kRegisterBytes / static_cast<Index>(sizeof(float));

inline Register load(const float* from) {
  Register v;
  read(from, v);
  return v;
}
inline Register threshold_at(OneThreshold threshold, Index) { return Register{} + threshold.value; }
inline Register threshold_at(ThresholdEach thresholds, Index i) {
  return load(thresholds.values + i);
}

// Calls use(i) for each i in [0, count) in rising order whose score is not below the threshold.
template <typename Threshold, typename Use>
inline void for_each_passing(const float* scores, Index count, Threshold threshold, Use use) {
  for (Index base = 0; base < count; base += 64) {
    std::uint64_t mask = 0;  // bit i stands for scores[base + i]
    for (Index i = 0; i < 64; i += kLanes) {
      const std::uint64_t part =
          bits_not_below(load(scores + base + i), threshold_at(threshold, base + i));
      mask |= part << i;
    }
    for (; mask != 0; mask &= mask - 1) use(base + std::countr_zero(mask));
  }
}

// How many of a node's scores are not below `score`.
inline Index count_in_node(const float* node, float score) {
  const Register limit = Register{} + score;
  std::uint32_t mask = 0;
  for (Index i = 0; i < ScoreTree::kNode; i += kLanes) {
    mask |= bits_not_below(load(node + i), limit) << i;
  }
  return std::popcount(mask);
}

// ahead[i]: how many of the tree are not below scores[i].
template <Index count>
inline void count_ahead(const ScoreTree& tree, const float* scores, Index* ahead) {
  // The number of nodes below whose last score is not below `score` is the node to look into.
  std::fill_n(ahead, count, Index{0});
  for (int level = tree.levels - 1; level >= 0; --level) {
    const float* const nodes = tree.nodes + tree.first[level];
    for (Index i = 0; i < count; ++i) {
      ahead[i] = ahead[i] * ScoreTree::kNode +
                 count_in_node(nodes + ahead[i] * ScoreTree::kNode, scores[i]);
    }
  }
}

// Counts scores, or writes the places of those that are close to one of the tree.
class Tally {
 public:
  Tally(const ScoreTree& tree, float width, std::uint32_t* gaps, std::uint32_t* close)
      : leaves_(tree.nodes), width_(width), gaps_(gaps), close_(close) {}

  // The tree ends with a leaf of minus infinity, which is close to none.
  void add(Index ahead, float score, Index place) {
    if ((ahead > 0 && leaves_[ahead - 1] - score <= width_) || score - leaves_[ahead] <= width_) {
      close_[found_++] = static_cast<std::uint32_t>(place);
    } else {
      ++gaps_[ahead];
    }
  }
  Index found() const { return found_; }

 private:
  const float* leaves_;
  float width_;
  std::uint32_t* gaps_;
  std::uint32_t* close_;
  Index found_ = 0;
};

Index not_below(const float* scores, Index count, float threshold, std::uint32_t* places) {
  Index found = 0;
  for_each_passing(scores, count, OneThreshold{threshold},
                   [&](Index i) { places[found++] = static_cast<std::uint32_t>(i); });
  return found;
}

Index not_below_each(const float* scores, Index count, const float* thresholds,
                     std::uint32_t* places) {
  Index found = 0;
  for_each_passing(scores, count, ThresholdEach{thresholds},
                   [&](Index i) { places[found++] = static_cast<std::uint32_t>(i); });
  return found;
}

Index keep(const float* scores, Index count, float threshold, const Index* rows, float* kept_scores,
           std::uint32_t* kept_rows) {
  Index kept = 0;
  for_each_passing(scores, count, OneThreshold{threshold}, [&](Index i) {
    kept_scores[kept] = scores[i];
    kept_rows[kept] = static_cast<std::uint32_t>(rows[i]);
    ++kept;
  });
  return kept;
}

Index tally(const ScoreTree& tree, const float* scores, Index count, float threshold, float width,
            std::uint32_t* gaps, std::uint32_t* close) {
  Tally tally(tree, width, gaps, close);
  const float* const leaves = tree.nodes;
  const auto count_with = [&](auto ahead_of) {
    for_each_passing(scores, count, OneThreshold{threshold},
                     [&](Index i) { tally.add(ahead_of(scores[i]), scores[i], i); });
  };
  if (tree.size < ScoreTree::kNode) {
    count_with([&](float score) { return count_in_node(leaves, score); });
  } else if (tree.size < 2 * ScoreTree::kNode) {
    count_with([&](float score) {
      return count_in_node(leaves, score) + count_in_node(leaves + ScoreTree::kNode, score);
    });
  } else {
    count_with([&](float score) {
      Index ahead = 0;
      count_ahead<1>(tree, &score, &ahead);
      return ahead;
    });
  }
  return tally.found();
}

Index tally_all(const ScoreTree& tree, const float* scores, Index count, float width,
                std::uint32_t* gaps, std::uint32_t* close) {
  constexpr Index kSide = 8;  // looked up side by side: one alone waits for each level's load
  Tally tally(tree, width, gaps, close);
  Index ahead[kSide];
  Index i = 0;
  for (; i + kSide <= count; i += kSide) {
    count_ahead<kSide>(tree, scores + i, ahead);
    for (Index j = 0; j < kSide; ++j) tally.add(ahead[j], scores[i + j], i + j);
  }
  for (; i < count; ++i) {
    count_ahead<1>(tree, scores + i, ahead);
    tally.add(ahead[0], scores[i], i);
  }
  return tally.found();
}

void finish_euclidean(float* scores, Index count, float query, const float* squares) {
  for (Index j = 0; j < count; ++j) {
    scores[j] = std::min(2 * scores[j] - (query + squares[j]), 0.0F);
  }
}

}  // namespace

KINDRED_OFFER(ScoreKernels, {not_below, not_below_each, keep, tally, tally_all, finish_euclidean});

}  // namespace kindred
