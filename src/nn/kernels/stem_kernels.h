#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"
#include "kindred/core/shape.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// A convolution of an image of few channels, as a network's first layer is: a weight for each tap
/// (row and column of the kernel, channel of src, in this order) and each channel of dst. src is
/// channels-last, dst that or blocks of channels; arithmetic is float.
struct StemPlan {
  Index S = 0;
  Shape src;
  Shape dst;  ///< its channels a multiple of 16
  Index kernel = 3;
  Index stride = 1;
  Index padding = 1;
  /// dst: numbers from a pixel to the next, channels of a block (a multiple of the level's
  /// vector_floats), numbers from a block of channels to the next.
  Index pixel_stride = 0;
  Index block = 16;
  Index block_stride = 0;

  Index taps() const { return kernel * kernel * src.channels; }
  Index row_floats() const { return (src.width + 2 * padding) * src.channels; }
  /// Of one sample with its padding: what the functions need as scratch.
  Index padded_floats() const { return (src.height + 2 * padding) * row_floats(); }
  /// Of a channel of a sample's first pixel in dst.
  Index place_of(Index channel) const { return channel / block * block_stride + channel % block; }
};

/// T, the type of src and dst, is float or Bfloat16.
template <typename T>
struct StemKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// One sample as floats, with zeros around it: `padded` [padded_floats()].
  void (*pad)(const StemPlan& plan, const T* src, float* padded);

  /// dst = src * weights + bias, then an activation with is_piecewise_linear(). weights [taps,
  /// dst.channels], bias [dst.channels] or nullptr.
  void (*forward)(const StemPlan& plan, const T* src, const float* weights, const float* bias,
                  Activation activation, float* padded, T* dst);

  /// diff_weights [taps, dst.channels], and diff_bias [dst.channels] unless it is nullptr.
  void (*backward_weights)(const StemPlan& plan, const T* src, const T* diff_dst, float* padded,
                           float* diff_weights, float* diff_bias);
};

}  // namespace kindred
