#include "nn/kernels/stem_block_kernels.h"

#include <cmath>
#include <cstring>

#include "core/kernels.h"
#ifdef __AVX512F__
#include "nn/kernels/stem_windows_16.h"
#else
#include "nn/kernels/stem_windows_8.h"
#endif

namespace kindred {
namespace {

constexpr Index kTaps = StemBlockPlan::kTaps;

/// Variances are differences of large numbers where an image is nearly of one colour.
constexpr int kDoubles = kLanes / 2;
typedef double Doubles __attribute__((vector_size(kDoubles * sizeof(double))));
typedef float Halves __attribute__((vector_size(kDoubles * sizeof(float))));

Doubles load_doubles(const float* p) {
  Halves values;
  std::memcpy(&values, p, sizeof(values));
  return __builtin_convertvector(values, Doubles);
}

/// From 0 to 2^n - 1, as a tree.
double sum_of(Doubles values) {
  double sums[kDoubles];
  std::memcpy(sums, &values, sizeof(values));
  for (int n = kDoubles; n > 1; n /= 2) {
    for (int i = 0; i < n / 2; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
  }
  return sums[0];
}

/// body(first tap of kDoubles neighbouring pixels' patches, which of them are there: 1 or 0).
template <typename F>
void for_patches(const StemBlockPlan& plan, const float* images, F&& body) {
  const Shape& dst = plan.convolution.dst;
  const Index row = plan.convolution.row_floats();
  Doubles lanes;
  for (int l = 0; l < kDoubles; ++l) lanes[l] = l;
  for (Index n = 0; n < plan.convolution.S; ++n) {
    const float* image = images + n * image_floats(plan);
    for (Index h = 0; h < dst.height; ++h) {
      for (Index w = 0; w < dst.width; w += kDoubles) {
        const Doubles there =
            lanes < static_cast<double>(dst.width - w) ? Doubles{} + 1 : Doubles{};
        body(image + h * row + w, there);
      }
    }
  }
}

/// Products of taps [kFrom, kTo) with those from each on: as many sums as fit into registers.
template <int kFrom, int kTo>
void add_products(const StemBlockPlan& plan, const float* images, PatchMoments& moments) {
  const Index row = plan.convolution.row_floats();
  Doubles sums[kTo - kFrom][kTaps] = {};
  for_patches(plan, images, [&](const float* x, Doubles there) {
    const auto tap = [&](Index t) { return load_doubles(x + t / 3 * row + t % 3); };
    Doubles left[kTo - kFrom];
    unrolled<kTo - kFrom>([&](auto i)
                              __attribute__((always_inline)) { left[i] = tap(kFrom + i) * there; });
    unrolled<kTaps - kFrom>([&](auto j) __attribute__((always_inline)) {
      const Doubles right = tap(kFrom + j);
      unrolled<kTo - kFrom>([&](auto i) __attribute__((always_inline)) {
        if constexpr (i <= j) sums[i][kFrom + j] += left[i] * right;
      });
    });
  });
  for (Index i = kFrom; i < kTo; ++i) {
    for (Index j = i; j < kTaps; ++j) moments.products[i][j] = sum_of(sums[i - kFrom][j]);
  }
}

void add_sums(const StemBlockPlan& plan, const float* images, PatchMoments& moments) {
  const Index row = plan.convolution.row_floats();
  Doubles sums[kTaps] = {};
  for_patches(plan, images, [&](const float* x, Doubles there) {
    unrolled<kTaps>([&](auto t) __attribute__((always_inline)) {
      sums[t] += there * load_doubles(x + t / 3 * row + t % 3);
    });
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

template <bool Remember, typename T>
void forward_sample(const StemBlockPlan& plan, const float* image, const float* folded, T* dst,
                    std::uint8_t* winners) {
  const Index O = plan.dst.channels;
  for (Index o = 0; o < O; o += kLanes, folded += kLanes) {
    Float weights[kTaps];
    for (Index t = 0; t < kTaps; ++t) weights[t] = V::load(folded + t * O);
    forward_vector<Remember>(plan, image, weights, V::load(folded + kTaps * O),
                             dst + plan.place_of(o), winners);
    if constexpr (Remember) winners += winner_bytes_of_vector(plan);
  }
}

/// Of the winners of a vector of channels: sums of diffs, and of diffs times patches. float within
/// a sample, double across samples.
struct WinnerSums {
  double diff[kLanes] = {};
  double patch[kTaps][kLanes] = {};
};

template <typename T>
void add_sample(const StemBlockPlan& plan, const float* image, const std::uint8_t* winners,
                const T* diff_dst, WinnerSums& totals) {
  Float total;
  Float sums[kTaps];
  add_winners(plan, image, winners, diff_dst, total, sums);
  for (int l = 0; l < kLanes; ++l) {
    totals.diff[l] += static_cast<double>(total[l]);
    for (Index t = 0; t < kTaps; ++t) totals.patch[t][l] += static_cast<double>(sums[t][l]);
  }
}

/// The gradients of one channel, lane l of the sums.
void finish_channel(const StemBlockPlan& plan, const PatchMoments& moments,
                    const StemBlockChannels& channels, const WinnerSums& sums, Index o,
                    float* diff_weights, float* diff_scale, float* diff_shift) {
  const Index O = plan.dst.channels;
  const Index l = o % kLanes;
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

void measure_patches(const StemBlockPlan& plan, const float* images, Index part,
                     PatchMoments& moments) {
  if constexpr (kLanes == 16) {
    if (part == 0) add_products<0, 2>(plan, images, moments);
    if (part == 1) add_products<2, 5>(plan, images, moments);
    if (part == 2) add_products<5, kTaps>(plan, images, moments);
  } else {
    if (part == 0) add_products<0, 1>(plan, images, moments);
    if (part == 0) add_products<1, 2>(plan, images, moments);
    if (part == 1) add_products<2, 3>(plan, images, moments);
    if (part == 1) add_products<3, 5>(plan, images, moments);
    if (part == 2) add_products<5, kTaps>(plan, images, moments);
  }
  if (part == 3) add_sums(plan, images, moments);
}

void statistics(const StemBlockPlan& plan, const PatchMoments& moments,
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

/// Of one sample.
Index winner_bytes_of_sample(const StemBlockPlan& plan) {
  return plan.dst.channels / kLanes * winner_bytes_of_vector(plan);
}

Index winner_bytes(const StemBlockPlan& plan) {
  return plan.convolution.S * winner_bytes_of_sample(plan);
}

template <typename T>
void prepare(const StemBlockPlan& plan, const T* src, float* image) {
  kernels_at<StemKernels<T>>(kLevel).pad(plan.convolution, src, image);
  add_views(plan, image);
}

template <typename T>
void forward(const StemBlockPlan& plan, Index n, const float* images, const float* folded, T* dst,
             std::uint8_t* winners) {
  forward_sample<true>(plan, images + n * image_floats(plan), folded, dst + n * plan.dst.size(),
                       winners + n * winner_bytes_of_sample(plan));
}

template <typename T>
void infer(const StemBlockPlan& plan, const float* image, const float* folded, T* dst) {
  forward_sample<false>(plan, image, folded, dst, nullptr);
}

template <typename T>
void backward(const StemBlockPlan& plan, Index group, const float* images,
              const PatchMoments& moments, const StemBlockChannels& channels,
              const std::uint8_t* winners, const T* diff_dst, float* diff_weights,
              float* diff_scale, float* diff_shift) {
  for (Index first = 16 * group; first < 16 * group + 16; first += kLanes) {
    WinnerSums sums;
    for (Index n = 0; n < plan.convolution.S; ++n) {
      add_sample(plan, images + n * image_floats(plan),
                 winners + n * winner_bytes_of_sample(plan) +
                     first / kLanes * winner_bytes_of_vector(plan),
                 diff_dst + n * plan.dst.size() + plan.place_of(first), sums);
    }
    for (Index o = first; o < first + kLanes; ++o) {
      finish_channel(plan, moments, channels, sums, o, diff_weights, diff_scale, diff_shift);
    }
  }
}

template <typename T>
constexpr StemBlockKernels<T> kStemBlockKernels{image_floats,    winner_bytes, prepare<T>,
                                                measure_patches, statistics,   forward<T>,
                                                infer<T>,        backward<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(StemBlockKernels<T>, kStemBlockKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
