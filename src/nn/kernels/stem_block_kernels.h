#pragma once
#include <cstdint>

#include "nn/kernels/numbers.h"
#include "nn/kernels/stem_kernels.h"

namespace kindred {

/// A convolution of a grey image with a 3x3 kernel and stride 1, batch norm, a ReLU or nothing, and
/// a 2x2 max pool. What lies between them, four times as large as dst, is never written and never
/// read. In training that takes some algebra: it is linear in the 9 pixels under the kernel, its
/// patch:
///   forward   mean and variance of every channel follow from mean and covariance of the patches;
///             so the convolution can normalise as it goes, and only the pool's maxima are stored;
///   backward  the norm spreads a diff over all pixels, as a multiple of 1 and one of the
///             convolution's dst. The gradient of weights needs their products with patches: sums
///             of patches, and of their products. Both are known from forward. Only the winners of
///             the pool are left to be added up one by one.
struct StemBlockPlan {
  static constexpr Index kTaps = 9;

  StemPlan convolution;
  Shape dst;              ///< pooled; channels a multiple of 16
  Activation activation;  ///< none or relu
  double epsilon = 1e-5;
  /// dst, as in StemPlan.
  Index pixel_stride = 0;
  Index block = 16;
  Index block_stride = 0;

  /// Pixels that a mean is over.
  double count() const {
    return static_cast<double>(convolution.S * convolution.dst.height * convolution.dst.width);
  }
  /// Of a channel of a sample's first pixel in dst.
  Index place_of(Index channel) const { return channel / block * block_stride + channel % block; }
};

/// Over all pixels of a slice: sums of patches and of products of their numbers (i <= j).
struct PatchMoments {
  static constexpr Index kTaps = StemBlockPlan::kTaps;
  static constexpr Index kParts = 4;  ///< independent pieces, of about the same size

  double sum[kTaps] = {};
  double products[kTaps][kTaps] = {};

  double product(Index i, Index j) const { return i <= j ? products[i][j] : products[j][i]; }
};

/// What the loops need of every channel; arrays of dst.channels, weights [9, dst.channels].
struct StemBlockChannels {
  const float* weights = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  float* mean = nullptr;
  float* variance = nullptr;  ///< biased
};

/// T, the type of src and dst, is float or Bfloat16.
template <typename T>
struct StemBlockKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// Floats that prepare() makes of an image: images lie one behind the other, so far apart.
  Index (*image_floats)(const StemBlockPlan& plan);
  /// Bytes of `winners` for a slice: which of its four pixels a maximum comes from, or that it
  /// comes from none, because the ReLU stopped it. How they tell it is the level's own
  /// affair.
  Index (*winner_bytes)(const StemBlockPlan& plan);

  /// src of one sample to its image. REQUIRES: the image held zeros before the first call.
  void (*prepare)(const StemBlockPlan& plan, const T* src, float* image);

  /// Writes a part of the moments.
  void (*measure_patches)(const StemBlockPlan& plan, const float* images, Index part,
                          PatchMoments& moments);

  /// Fills in mean and variance, as moments tell them, and `folded` [10, dst.channels]: the norm as
  /// part of the weights, then what is added.
  void (*statistics)(const StemBlockPlan& plan, const PatchMoments& moments,
                     const StemBlockChannels& channels, float* folded);

  /// Of sample `n`.
  void (*forward)(const StemBlockPlan& plan, Index n, const float* images, const float* folded,
                  T* dst, std::uint8_t* winners);

  /// In inference, of one image.
  void (*infer)(const StemBlockPlan& plan, const float* image, const float* folded, T* dst);

  /// Of channels [16 group, 16 group + 16) of diff_weights [9, dst.channels], diff_scale and
  /// diff_shift [dst.channels].
  void (*backward)(const StemBlockPlan& plan, Index group, const float* images,
                   const PatchMoments& moments, const StemBlockChannels& channels,
                   const std::uint8_t* winners, const T* diff_dst, float* diff_weights,
                   float* diff_scale, float* diff_shift);
};

}  // namespace kindred
