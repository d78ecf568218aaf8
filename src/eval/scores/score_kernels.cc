#include "eval/scores/score_kernels.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>

namespace kindred {
namespace {

// What a score is compared with: one threshold for all, or one each.
struct OneThreshold {
  float value;
};
struct ThresholdEach {
  const float* values;
};

#if defined(__AVX512F__)
using Floats = __m512;
inline Floats load(const float* p) { return _mm512_loadu_ps(p); }
inline Floats threshold_at(OneThreshold threshold, Index) {
  return _mm512_set1_ps(threshold.value);
}
inline unsigned passing(Floats scores, Floats thresholds) {
  return _mm512_cmp_ps_mask(scores, thresholds, _CMP_GE_OQ);
}
#elif defined(__AVX__)
using Floats = __m256;
inline Floats load(const float* p) { return _mm256_loadu_ps(p); }
inline Floats threshold_at(OneThreshold threshold, Index) {
  return _mm256_set1_ps(threshold.value);
}
inline unsigned passing(Floats scores, Floats thresholds) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(scores, thresholds, _CMP_GE_OQ)));
}
#else
using Floats = __m128;
inline Floats load(const float* p) { return _mm_loadu_ps(p); }
inline Floats threshold_at(OneThreshold threshold, Index) { return _mm_set1_ps(threshold.value); }
inline unsigned passing(Floats scores, Floats thresholds) {
  return static_cast<unsigned>(_mm_movemask_ps(_mm_cmpge_ps(scores, thresholds)));
}
#endif
inline Floats threshold_at(ThresholdEach thresholds, Index i) {
  return load(thresholds.values + i);
}

constexpr Index kLanes = static_cast<Index>(sizeof(Floats) / sizeof(float));

// Calls use(i) for each i in [0, count) in rising order whose score is not below the threshold.
template <typename Threshold, typename Use>
inline void for_each_passing(const float* scores, Index count, Threshold threshold, Use use) {
  for (Index base = 0; base < count; base += 64) {
    std::uint64_t mask = 0;  // bit i stands for scores[base + i]
    for (Index i = 0; i < 64; i += kLanes) {
      const std::uint64_t part =
          passing(load(scores + base + i), threshold_at(threshold, base + i));
      mask |= part << i;
    }
    for (; mask != 0; mask &= mask - 1) use(base + std::countr_zero(mask));
  }
}

// How many of a node's scores are not below `score`.
inline Index count_in_node(const float* node, float score) {
#if defined(__AVX512F__)
  const auto mask = _mm512_cmp_ps_mask(_mm512_load_ps(node), _mm512_set1_ps(score), _CMP_GE_OQ);
  return std::popcount(static_cast<unsigned>(mask));
#elif defined(__AVX__)
  const __m256 limit = _mm256_set1_ps(score);
  const __m256 low = _mm256_cmp_ps(_mm256_load_ps(node), limit, _CMP_GE_OQ);
  const __m256 high = _mm256_cmp_ps(_mm256_load_ps(node + 8), limit, _CMP_GE_OQ);
  return std::popcount(static_cast<unsigned>(_mm256_movemask_ps(low)) |
                       static_cast<unsigned>(_mm256_movemask_ps(high)) << 8);
#else
  const __m128 limit = _mm_set1_ps(score);
  unsigned mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128 part = _mm_cmpge_ps(_mm_load_ps(node + 4 * i), limit);
    mask |= static_cast<unsigned>(_mm_movemask_ps(part)) << (4 * i);
  }
  return std::popcount(mask);
#endif
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
