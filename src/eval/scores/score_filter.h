#pragma once
#include <immintrin.h>

#include <bit>
#include <cstdint>

#include "kindred/core/index.h"

namespace kindred {

/// Which of 64 scores are above (or not below) a threshold: bit i stands for scores[i].
enum class Keep { above, not_below };

template <Keep keep>
inline std::uint64_t filter64(const float* scores, float threshold) {
  std::uint64_t mask = 0;
#if defined(__AVX512F__)
  constexpr int kCompare = keep == Keep::above ? _CMP_GT_OQ : _CMP_GE_OQ;
  const __m512 limit = _mm512_set1_ps(threshold);
  for (int i = 0; i < 4; ++i) {
    const auto part = _mm512_cmp_ps_mask(_mm512_loadu_ps(scores + 16 * i), limit, kCompare);
    mask |= static_cast<std::uint64_t>(part) << (16 * i);
  }
#elif defined(__AVX__)
  constexpr int kCompare = keep == Keep::above ? _CMP_GT_OQ : _CMP_GE_OQ;
  const __m256 limit = _mm256_set1_ps(threshold);
  for (int i = 0; i < 8; ++i) {
    const __m256 part = _mm256_cmp_ps(_mm256_loadu_ps(scores + 8 * i), limit, kCompare);
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_ps(part))) << (8 * i);
  }
#else
  const __m128 limit = _mm_set1_ps(threshold);
  for (int i = 0; i < 16; ++i) {
    const __m128 part = keep == Keep::above ? _mm_cmpgt_ps(_mm_loadu_ps(scores + 4 * i), limit)
                                            : _mm_cmpge_ps(_mm_loadu_ps(scores + 4 * i), limit);
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_ps(part))) << (4 * i);
  }
#endif
  return mask;
}

/// Calls use(i) for each i in [0, count) in rising order whose score passes `threshold`, which
/// use() may raise through the reference. `scores` must be readable, and fail the threshold, up to
/// a multiple of 64.
template <Keep keep, typename Use>
inline void for_each_passing(const float* scores, Index count, const float& threshold, Use use) {
  for (Index base = 0; base < count; base += 64) {
    for (std::uint64_t mask = filter64<keep>(scores + base, threshold); mask != 0;
         mask &= mask - 1) {
      use(base + std::countr_zero(mask));
    }
  }
}

/// Appends the scores not below `threshold`, in rising order of i, with the rows they belong to;
/// returns how many. `scores` is as for for_each_passing. There must
/// be room for `count` of them.
inline Index keep_passing(const float* scores, Index count, float threshold, const Index* rows,
                          float* kept_scores, std::uint32_t* kept_rows) {
  Index kept = 0;
  for_each_passing<Keep::not_below>(scores, count, threshold, [&](Index i) {
    kept_scores[kept] = scores[i];
    kept_rows[kept] = static_cast<std::uint32_t>(rows[i]);
    ++kept;
  });
  return kept;
}

/// How many of 16 scores are not below `score`. `scores` is 64-byte aligned.
inline Index count16(const float* scores, float score) {
#if defined(__AVX512F__)
  const auto mask = _mm512_cmp_ps_mask(_mm512_load_ps(scores), _mm512_set1_ps(score), _CMP_GE_OQ);
  return std::popcount(static_cast<unsigned>(mask));
#elif defined(__AVX__)
  const __m256 limit = _mm256_set1_ps(score);
  const __m256 low = _mm256_cmp_ps(_mm256_load_ps(scores), limit, _CMP_GE_OQ);
  const __m256 high = _mm256_cmp_ps(_mm256_load_ps(scores + 8), limit, _CMP_GE_OQ);
  return std::popcount(static_cast<unsigned>(_mm256_movemask_ps(low)) |
                       static_cast<unsigned>(_mm256_movemask_ps(high)) << 8);
#else
  Index count = 0;
  for (int i = 0; i < 16; ++i) count += scores[i] >= score ? 1 : 0;
  return count;
#endif
}

}  // namespace kindred
