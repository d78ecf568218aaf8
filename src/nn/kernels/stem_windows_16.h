#pragma once
// What stem_block_kernels.cc does for each window of the pool, with 16 lanes and 32 registers.
#include <immintrin.h>

#include "nn/kernels/activation_loops.h"
#include "nn/kernels/stem_block_kernels.h"
#include "nn/kernels/stem_loops.h"

namespace kindred {

/// Loops over pixels read up to 8 floats past an image.
inline Index image_floats(const StemBlockPlan& plan) {
  return round_up(plan.convolution.padded_floats() + 8, 16);
}

/// Nothing but the padded image is needed here.
inline void add_views(const StemBlockPlan&, float*) {}

/// Of one sample and vector of channels: a byte a number, 4 where a ReLU stopped it.
inline Index winner_bytes_of_vector(const StemBlockPlan& plan) {
  return plan.dst.height * plan.dst.width * kLanes;
}

inline void store_winner(std::uint8_t* p, Int winner) {
  // With a mask of ones, as GCC 12 warns of its own plain form (GCC bug 105593).
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)winner));
}

inline Int load_winner(const std::uint8_t* p) {
  return (Int)_mm512_maskz_cvtepu8_epi32(0xffff,
                                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

/// P neighbouring windows of the pool and 16 channels; x is the first patch of the first. Without
/// Remember nobody wants the winners.
template <int P, bool Remember, typename T>
[[gnu::always_inline]] inline void forward_windows(const StemBlockPlan& plan, const float* x,
                                                   const Float (&weights)[StemBlockPlan::kTaps],
                                                   Float bias, T* dst, std::uint8_t* winners) {
  const Index row = plan.convolution.row_floats();
  Float sums[P][4];
  for (auto& window : sums) {
    for (Float& sum : window) sum = bias;
  }
#pragma GCC unroll 9  // weights stay in registers then
  for (Index t = 0; t < StemBlockPlan::kTaps; ++t) {
    for (int p = 0; p < P; ++p) {
      for (int k = 0; k < 4; ++k) {
        sums[p][k] += weights[t] * x[(t / 3 + k / 2) * row + t % 3 + 2 * p + k % 2];
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    Float best = sums[p][0];
    Int winner{};
    for (int k = 1; k < 4; ++k) {  // the first of equals wins
      const auto better = sums[p][k] > best;
      best = better ? sums[p][k] : best;
      if constexpr (Remember) winner = better ? Int{} + k : winner;
    }
    if (plan.activation.kind == ActivationKind::relu) {
      if constexpr (Remember) winner = best <= Float{} ? Int{} + 4 : winner;
      best = activated<16, ActivationKind::relu>(best);
    }
    V::store(dst + p * plan.pixel_stride, best);
    if constexpr (Remember) store_winner(winners + 16 * p, winner);
  }
}

/// One sample and vector of channels.
template <bool Remember, typename T>
void forward_vector(const StemBlockPlan& plan, const float* image,
                    const Float (&weights)[StemBlockPlan::kTaps], Float bias, T* dst,
                    std::uint8_t* winners) {
  const Index row = plan.convolution.row_floats();
  constexpr Index kRemembered = Remember ? 16 : 0;
  for (Index h = 0; h < plan.dst.height; ++h) {
    const float* x = image + 2 * h * row;
    T* y = dst + h * plan.dst.width * plan.pixel_stride;
    Index w = 0;
    for (; w + 2 <= plan.dst.width; w += 2, winners += 2 * kRemembered) {
      forward_windows<2, Remember>(plan, x + 2 * w, weights, bias, y + w * plan.pixel_stride,
                                   winners);
    }
    for (; w < plan.dst.width; ++w, winners += kRemembered) {
      forward_windows<1, Remember>(plan, x + 2 * w, weights, bias, y + w * plan.pixel_stride,
                                   winners);
    }
  }
}

/// Of one sample and vector of channels the winners' sums of diffs, and of diffs times patches.
template <typename T>
void add_winners(const StemBlockPlan& plan, const float* image, const std::uint8_t* winners,
                 const T* diff_dst, Float& total, Float (&patch)[StemBlockPlan::kTaps]) {
  const Index row = plan.convolution.row_floats();
  Float sums[2][StemBlockPlan::kTaps] = {};  // two chains: no addition waits for the last
  total = Float{};
  for (Index h = 0; h < plan.dst.height; ++h) {
    const float* x = image + 2 * h * row;
    for (Index w = 0; w < plan.dst.width;
         ++w, winners += 16, diff_dst += plan.pixel_stride, x += 2) {
      const Float diff = V::load(diff_dst);
      const Int winner = load_winner(winners);
      Float mine[4];
      for (int k = 0; k < 4; ++k) mine[k] = winner == Int{} + k ? diff : Float{};
      total += (mine[0] + mine[1]) + (mine[2] + mine[3]);
#pragma GCC unroll 9
      for (Index t = 0; t < StemBlockPlan::kTaps; ++t) {
        for (int k = 0; k < 4; ++k) {
          sums[k % 2][t] += mine[k] * x[(t / 3 + k / 2) * row + t % 3 + k % 2];
        }
      }
    }
  }
  for (Index t = 0; t < StemBlockPlan::kTaps; ++t) patch[t] = sums[0][t] + sums[1][t];
}

}  // namespace kindred
