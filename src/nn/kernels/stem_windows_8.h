#pragma once
// What stem_block_kernels.cc does for each window of the pool, with 8 lanes and 16 registers.
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "nn/kernels/activation_loops.h"
#include "nn/kernels/stem_block_kernels.h"
#include "nn/kernels/stem_loops.h"

namespace kindred {

using Word = V::Word;

/// Floats of the padded image, and of those that loops over pixels read past it.
inline Index padded_image_floats(const StemBlockPlan& plan) {
  return round_up(plan.convolution.padded_floats() + 8, 16);
}

/// Behind the padded image the four pixels that begin at each of its pixels: backward lets every
/// lane choose the winner's among them.
inline Index image_floats(const StemBlockPlan& plan) {
  return padded_image_floats(plan) + 4 * plan.convolution.padded_floats();
}

inline void add_views(const StemBlockPlan& plan, float* image) {
  const Index row = plan.convolution.row_floats();
  const Index pixels = plan.convolution.padded_floats() - row;
  float* fours = image + padded_image_floats(plan);
  Index i = 0;
  for (; i + 8 <= pixels; i += 8, fours += 32) {
    const float* x = image + i;
    const Float a = V::load(x), b = V::load(x + 1), c = V::load(x + row), d = V::load(x + row + 1);
    const Float ab0 = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float ab2 = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float cd0 = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float cd2 = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float at04 = __builtin_shufflevector(ab0, cd0, 0, 1, 8, 9, 4, 5, 12, 13);
    const Float at15 = __builtin_shufflevector(ab0, cd0, 2, 3, 10, 11, 6, 7, 14, 15);
    const Float at26 = __builtin_shufflevector(ab2, cd2, 0, 1, 8, 9, 4, 5, 12, 13);
    const Float at37 = __builtin_shufflevector(ab2, cd2, 2, 3, 10, 11, 6, 7, 14, 15);
    V::store(fours, __builtin_shufflevector(at04, at15, 0, 1, 2, 3, 8, 9, 10, 11));
    V::store(fours + 8, __builtin_shufflevector(at26, at37, 0, 1, 2, 3, 8, 9, 10, 11));
    V::store(fours + 16, __builtin_shufflevector(at04, at15, 4, 5, 6, 7, 12, 13, 14, 15));
    V::store(fours + 24, __builtin_shufflevector(at26, at37, 4, 5, 6, 7, 12, 13, 14, 15));
  }
  for (; i < pixels; ++i) {
    for (int k = 0; k < 4; ++k) *fours++ = image[i + k / 2 * row + k % 2];
  }
}

/// A word for each lane and kWindows neighbouring windows, a byte each: its two low bits are the
/// winner, the next says that a ReLU stopped it. So nothing has to change lanes.
constexpr int kWindows = 4;

/// Of one sample and vector of channels.
inline Index winner_bytes_of_vector(const StemBlockPlan& plan) {
  return plan.dst.height * blocks_of(plan.dst.width, kWindows) * static_cast<Index>(sizeof(Word));
}

/// Lane by lane `negative` where `sign` is, else `other`.
inline Float by_sign(Int sign, Float negative, Float other) {
#ifdef __AVX2__
  return _mm256_blendv_ps(other, negative, (__m256)sign);
#else
  return sign < 0 ? negative : other;
#endif
}

/// Lane by lane the greater of the two; `first` where they cannot be compared.
inline Float greater(Float first, Float second) {
#ifdef __AVX2__
  return _mm256_max_ps(second, first);
#else
  return second > first ? second : first;
#endif
}

/// Lane by lane four[which % 4].
inline Float chosen_of(const float* four, Word which) {
#ifdef __AVX2__
  const __m256 both = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(four));
  return _mm256_permutevar_ps(both, (__m256i)which);
#else
  Float chosen;
  for (int l = 0; l < kLanes; ++l) chosen[l] = four[which[l] % 4];
  return chosen;
#endif
}

struct Pooled {
  Float best;
  Word winner;
};

/// One window: of two equals the first wins. The sign of a difference tells as much as a comparison
/// does, on ports that additions of products leave free.
template <bool Remember, ActivationKind kind>
[[gnu::always_inline]] inline Pooled pool(const Float (&sums)[4]) {
  const Float top = greater(sums[0], sums[1]);
  const Float bottom = greater(sums[2], sums[3]);
  Pooled pooled{greater(top, bottom), {}};
  if constexpr (Remember) {
    const Word low = (Word)(top - bottom) >> 31;
    const Float column = by_sign((Int)(top - bottom), sums[2] - sums[3], sums[0] - sums[1]);
    pooled.winner = low + low + ((Word)column >> 31);
    if constexpr (kind == ActivationKind::relu) pooled.winner |= (Word)((Int)pooled.best < 1) & 4;
  }
  if constexpr (kind == ActivationKind::relu) pooled.best = greater(pooled.best, Float{});
  return pooled;
}

/// P neighbouring windows and a vector of channels; x is the first patch of the first.
template <int P, bool Remember, ActivationKind kind, typename T>
[[gnu::always_inline]] inline void forward_windows(Index row, Index pixel_stride, const float* x,
                                                   const Float (&weights)[StemBlockPlan::kTaps],
                                                   Float bias, T* dst, std::uint8_t* winners) {
  Word word{};
  unrolled<P>([&](auto p) __attribute__((always_inline)) {
    Float sums[4] = {bias, bias, bias, bias};
    unrolled<16>([&](auto at) __attribute__((always_inline)) {
      // Each pixel is read once, and is part of up to four patches.
      constexpr int i = at / 4;
      constexpr int j = at % 4;
      const Float pixel = broadcast(x[i * row + 2 * p + j]);
      unrolled<4>([&](auto k) __attribute__((always_inline)) {
        constexpr int r = i - k / 2;
        constexpr int c = j - k % 2;
        if constexpr (0 <= r && r < 3 && 0 <= c && c < 3) sums[k] += weights[3 * r + c] * pixel;
      });
    });
    const Pooled pooled = pool<Remember, kind>(sums);
    V::store(dst + p * pixel_stride, pooled.best);
    word |= pooled.winner << (8 * p);
  });
  if constexpr (Remember) std::memcpy(winners, &word, sizeof(word));
}

template <bool Remember, ActivationKind kind, typename T>
[[gnu::noinline]] void forward_rows(const StemBlockPlan& plan, const float* image,
                                    const Float (&memory)[StemBlockPlan::kTaps], Float bias, T* dst,
                                    std::uint8_t* winners) {
  constexpr Index kRemembered = Remember ? sizeof(Word) : 0;
  const Index row = plan.convolution.row_floats();
  const Index pixel_stride = plan.pixel_stride;
  Float weights[StemBlockPlan::kTaps];
  unrolled<9>([&](auto t) __attribute__((always_inline)) { weights[t] = memory[t]; });
  for (Index h = 0; h < plan.dst.height; ++h) {
    const float* x = image + 2 * h * row;
    const auto windows = [&]<int P>() __attribute__((always_inline)) {
      forward_windows<P, Remember, kind>(row, pixel_stride, x, weights, bias, dst, winners);
      x += 2 * P;
      dst += P * pixel_stride;
      winners += kRemembered;
    };
    Index left = plan.dst.width;
    for (; left >= kWindows; left -= kWindows) windows.template operator()<kWindows>();
    if (left > 0) with_size<kWindows - 1>(left, windows);
  }
}

/// One sample and vector of channels.
template <bool Remember, typename T>
void forward_vector(const StemBlockPlan& plan, const float* image,
                    const Float (&weights)[StemBlockPlan::kTaps], Float bias, T* dst,
                    std::uint8_t* winners) {
  if (plan.activation.kind == ActivationKind::relu) {
    forward_rows<Remember, ActivationKind::relu>(plan, image, weights, bias, dst, winners);
  } else {
    forward_rows<Remember, ActivationKind::none>(plan, image, weights, bias, dst, winners);
  }
}

/// Of one sample and vector of channels the winners' sums of diffs, and of diffs times patches.
template <typename T>
[[gnu::noinline]] void add_winners(const StemBlockPlan& plan, const float* image,
                                   const std::uint8_t* winners, const T* diff_dst, Float& total,
                                   Float (&patch)[StemBlockPlan::kTaps]) {
  const Index row = 4 * plan.convolution.row_floats();
  const float* fours = image + padded_image_floats(plan);
  Float sum{};
  Float sums[StemBlockPlan::kTaps];
  unrolled<9>([&](auto t) __attribute__((always_inline)) { sums[t] = Float{}; });
  for (Index h = 0; h < plan.dst.height; ++h) {
    const float* x = fours + 2 * h * row;
    Word word{};
    for (Index w = 0; w < plan.dst.width; ++w, word >>= 8, diff_dst += plan.pixel_stride, x += 8) {
      if (w % kWindows == 0) {
        std::memcpy(&word, winners, sizeof(word));
        winners += sizeof(word);
      }
      const Float diff = by_sign((Int)(word << 29), Float{}, V::load(diff_dst));
      sum += diff;
      unrolled<9>([&](auto t) __attribute__((always_inline)) {
        sums[t] += diff * chosen_of(x + t / 3 * row + 4 * (t % 3), word);
      });
    }
  }
  total = sum;
  unrolled<9>([&](auto t) __attribute__((always_inline)) { patch[t] = sums[t]; });
}

}  // namespace kindred
