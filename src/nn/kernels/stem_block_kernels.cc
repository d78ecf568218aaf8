#include "nn/kernels/stem_block_kernels.h"

#include <cmath>

#include "nn/kernels/vector.h"

namespace kindred {
namespace {

using V = Vector<16>;
using Float = V::Float;
using Int = V::Int;
constexpr Index kTaps = StemBlockPlan::kTaps;

/// 8 doubles: variances are differences of large numbers where an image is nearly of one colour.
typedef double Doubles __attribute__((vector_size(8 * sizeof(double))));

Doubles load_doubles(const float* p) {
  return __builtin_convertvector(Vector<8>::load(p), Doubles);
}

double sum_of(Doubles values) {
  return ((values[0] + values[1]) + (values[2] + values[3])) +
         ((values[4] + values[5]) + (values[6] + values[7]));
}

/// body(first tap of 8 neighbouring pixels' patches, which of them are there: 1 or 0).
template <typename F>
void for_patches(const StemBlockPlan& plan, const float* images, F&& body) {
  const Shape& dst = plan.convolution.dst;
  const Index row = plan.convolution.row_floats();
  const Doubles lanes{0, 1, 2, 3, 4, 5, 6, 7};
  for (Index n = 0; n < plan.convolution.S; ++n) {
    const float* image = images + n * plan.image_floats();
    for (Index h = 0; h < dst.height; ++h) {
      for (Index w = 0; w < dst.width; w += 8) {
        const Doubles there =
            lanes < static_cast<double>(dst.width - w) ? Doubles{} + 1 : Doubles{};
        body(image + h * row + w, there);
      }
    }
  }
}

/// Products of taps [kFrom, kTo) with those from each on: as many sums as fit into registers.
template <Index kFrom, Index kTo>
void add_products(const StemBlockPlan& plan, const float* images, PatchMoments& moments) {
  const Index row = plan.convolution.row_floats();
  Doubles sums[kTo - kFrom][kTaps] = {};
  for_patches(plan, images, [&](const float* x, Doubles there) {
    Doubles taps[kTaps];
    for (Index t = kFrom; t < kTaps; ++t) taps[t] = load_doubles(x + t / 3 * row + t % 3);
    for (Index i = kFrom; i < kTo; ++i) {
      const Doubles left = taps[i] * there;
      for (Index j = i; j < kTaps; ++j) sums[i - kFrom][j] += left * taps[j];
    }
  });
  for (Index i = kFrom; i < kTo; ++i) {
    for (Index j = i; j < kTaps; ++j) moments.products[i][j] = sum_of(sums[i - kFrom][j]);
  }
}

void add_sums(const StemBlockPlan& plan, const float* images, PatchMoments& moments) {
  const Index row = plan.convolution.row_floats();
  Doubles sums[kTaps] = {};
  for_patches(plan, images, [&](const float* x, Doubles there) {
    for (Index t = 0; t < kTaps; ++t) sums[t] += there * load_doubles(x + t / 3 * row + t % 3);
  });
  for (Index t = 0; t < kTaps; ++t) moments.sum[t] = sum_of(sums[t]);
}

double inverse_deviation(const StemBlockPlan& plan, const StemBlockChannels& channels, Index o) {
  return 1 / std::sqrt(static_cast<double>(channels.variance[o]) + plan.epsilon);
}

/// The norm as part of the convolution: 9 rows of weights, then what is added.
void fold_norm(const StemBlockPlan& plan, const StemBlockChannels& channels, float* folded) {
  const Index O = plan.dst.channels;
  for (Index o = 0; o < O; ++o) {
    const double factor =
        static_cast<double>(channels.scale[o]) * inverse_deviation(plan, channels, o);
    for (Index t = 0; t < kTaps; ++t) {
      folded[t * O + o] =
          static_cast<float>(static_cast<double>(channels.weights[t * O + o]) * factor);
    }
    folded[kTaps * O + o] = static_cast<float>(static_cast<double>(channels.shift[o]) -
                                               static_cast<double>(channels.mean[o]) * factor);
  }
}

void store_winner(std::uint8_t* p, Int winner) {
#ifdef __AVX512F__
  // With a mask of ones, as GCC 12 warns of its own plain form (GCC bug 105593).
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)winner));
#else
  for (int l = 0; l < 16; ++l) p[l] = static_cast<std::uint8_t>(winner[l]);
#endif
}

Int load_winner(const std::uint8_t* p) {
#ifdef __AVX512F__
  return (Int)_mm512_maskz_cvtepu8_epi32(0xffff,
                                         _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
#else
  Int winner;
  for (int l = 0; l < 16; ++l) winner[l] = p[l];
  return winner;
#endif
}

/// P neighbouring windows of the pool and 16 channels; x is the first patch of the first. Without
/// Remember nobody wants the winners.
template <int P, bool Remember, typename T>
void forward_windows(const StemBlockPlan& plan, const float* x, const Float (&weights)[kTaps],
                     Float bias, T* dst, std::uint8_t* winners) {
  const Index row = plan.convolution.row_floats();
  Float sums[P][4];
  for (auto& window : sums) {
    for (Float& sum : window) sum = bias;
  }
#pragma GCC unroll 9  // weights stay in registers then
  for (Index t = 0; t < kTaps; ++t) {
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
    if (plan.relu) {
      if constexpr (Remember) winner = best <= Float{} ? Int{} + 4 : winner;
      best = relu<16>(best);
    }
    V::store(dst + p * plan.pixel_stride, best);
    if constexpr (Remember) store_winner(winners + 16 * p, winner);
  }
}

template <bool Remember, typename T>
void forward_sample(const StemBlockPlan& plan, const float* image, const float* folded, T* dst,
                    std::uint8_t* winners) {
  const Index O = plan.dst.channels;
  const Index row = plan.convolution.row_floats();
  constexpr Index kRemembered = Remember ? 16 : 0;
  for (Index o = 0; o < O; o += 16, folded += 16, dst += plan.group_stride) {
    Float weights[kTaps];
    for (Index t = 0; t < kTaps; ++t) weights[t] = V::load(folded + t * O);
    const Float bias = V::load(folded + kTaps * O);
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
}

/// Of the winners of 16 channels: sums of diffs, and of diffs times patches. float within a sample,
/// double across samples.
struct WinnerSums {
  double diff[16] = {};
  double patch[kTaps][16] = {};
};

template <typename T>
void add_sample(const StemBlockPlan& plan, const float* image, const std::uint8_t* winners,
                const T* diff_dst, WinnerSums& totals) {
  const Index row = plan.convolution.row_floats();
  Float total{};
  Float sums[2][kTaps] = {};  // in two chains, so that an addition does not wait for the last
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
      for (Index t = 0; t < kTaps; ++t) {
        for (int k = 0; k < 4; ++k) {
          sums[k % 2][t] += mine[k] * x[(t / 3 + k / 2) * row + t % 3 + k % 2];
        }
      }
    }
  }
  for (int l = 0; l < 16; ++l) {
    totals.diff[l] += static_cast<double>(total[l]);
    for (Index t = 0; t < kTaps; ++t) {
      totals.patch[t][l] += static_cast<double>(sums[0][t][l] + sums[1][t][l]);
    }
  }
}

/// The gradients of one channel, lane l of the sums.
void finish_channel(const StemBlockPlan& plan, const PatchMoments& moments,
                    const StemBlockChannels& channels, const WinnerSums& sums, Index o,
                    float* diff_weights, float* diff_scale, float* diff_shift) {
  const Index O = plan.dst.channels;
  const Index l = o % 16;
  const double N = plan.count();
  const double mean = static_cast<double>(channels.mean[o]);
  const double inverse = inverse_deviation(plan, channels, o);
  double centred = -mean * sums.diff[l];  // the sum of diff (y - mean), y the convolution's dst
  for (Index t = 0; t < kTaps; ++t) {
    centred += static_cast<double>(channels.weights[t * O + o]) * sums.patch[t][l];
  }
  diff_scale[o] = static_cast<float>(centred * inverse);
  diff_shift[o] = static_cast<float>(sums.diff[l]);
  const double slope = centred * inverse * inverse / N;
  for (Index t = 0; t < kTaps; ++t) {
    double y_patch = -mean * moments.sum[t];  // the sum of (y - mean) patch
    for (Index i = 0; i < kTaps; ++i) {
      y_patch += static_cast<double>(channels.weights[i * O + o]) * moments.product(i, t);
    }
    const double diff = sums.patch[t][l] - sums.diff[l] / N * moments.sum[t] - slope * y_patch;
    diff_weights[t * O + o] =
        static_cast<float>(static_cast<double>(channels.scale[o]) * inverse * diff);
  }
}

}  // namespace

void measure_patches(const StemBlockPlan& plan, const float* images, Index part,
                     PatchMoments& moments) {
  if (part == 0) add_products<0, 2>(plan, images, moments);
  if (part == 1) add_products<2, 5>(plan, images, moments);
  if (part == 2) add_products<5, kTaps>(plan, images, moments);
  if (part == 3) add_sums(plan, images, moments);
}

void stem_block_statistics(const StemBlockPlan& plan, const PatchMoments& moments,
                           const StemBlockChannels& channels, float* folded) {
  const Index O = plan.dst.channels;
  const double N = plan.count();
  for (Index o = 0; o < O; ++o) {
    double mean = 0;
    double variance = 0;
    for (Index i = 0; i < kTaps; ++i) {
      const double weight = static_cast<double>(channels.weights[i * O + o]);
      mean += weight * moments.sum[i] / N;
      for (Index j = 0; j < kTaps; ++j) {
        const double covariance =
            moments.product(i, j) / N - moments.sum[i] / N * (moments.sum[j] / N);
        variance += weight * static_cast<double>(channels.weights[j * O + o]) * covariance;
      }
    }
    channels.mean[o] = static_cast<float>(mean);
    channels.variance[o] = static_cast<float>(variance < 0 ? 0 : variance);  // NaN stays
  }
  fold_norm(plan, channels, folded);
}

template <typename T>
void stem_block_forward(const StemBlockPlan& plan, Index n, const float* images,
                        const float* folded, T* dst, std::uint8_t* winners) {
  const Index at = n * plan.dst.size();
  forward_sample<true>(plan, images + n * plan.image_floats(), folded, dst + at, winners + at);
}

template <typename T>
void stem_block_infer(const StemBlockPlan& plan, const float* image, const float* folded, T* dst) {
  forward_sample<false>(plan, image, folded, dst, nullptr);
}

template <typename T>
void stem_block_backward(const StemBlockPlan& plan, Index group, const float* images,
                         const PatchMoments& moments, const StemBlockChannels& channels,
                         const std::uint8_t* winners, const T* diff_dst, float* diff_weights,
                         float* diff_scale, float* diff_shift) {
  const Index pixels = plan.dst.height * plan.dst.width;
  WinnerSums sums;
  for (Index n = 0; n < plan.convolution.S; ++n) {
    const Index at = n * plan.dst.size();
    add_sample(plan, images + n * plan.image_floats(), winners + at + group * pixels * 16,
               diff_dst + at + group * plan.group_stride, sums);
  }
  for (Index o = 16 * group; o < 16 * group + 16; ++o) {
    finish_channel(plan, moments, channels, sums, o, diff_weights, diff_scale, diff_shift);
  }
}

template void stem_block_forward(const StemBlockPlan&, Index, const float*, const float*, float*,
                                 std::uint8_t*);
template void stem_block_forward(const StemBlockPlan&, Index, const float*, const float*, Bfloat16*,
                                 std::uint8_t*);
template void stem_block_infer(const StemBlockPlan&, const float*, const float*, float*);
template void stem_block_infer(const StemBlockPlan&, const float*, const float*, Bfloat16*);
template void stem_block_backward(const StemBlockPlan&, Index, const float*, const PatchMoments&,
                                  const StemBlockChannels&, const std::uint8_t*, const float*,
                                  float*, float*, float*);
template void stem_block_backward(const StemBlockPlan&, Index, const float*, const PatchMoments&,
                                  const StemBlockChannels&, const std::uint8_t*, const Bfloat16*,
                                  float*, float*, float*);

}  // namespace kindred
