#pragma once
#include "kindred/core/index.h"
#include "kindred/core/shape.h"
#include "nn/kernels/bfloat16.h"

namespace kindred {

/// A convolution of an image of few channels, as a network's first layer is: a weight for each tap
/// (row and column of the kernel, channel of src, in this order) and each channel of dst. src is
/// channels-last, dst that or blocks of 16 channels; arithmetic is float.
struct StemPlan {
  Index S = 0;
  Shape src;
  Shape dst;  ///< its channels a multiple of 16
  Index kernel = 3;
  Index stride = 1;
  Index padding = 1;
  /// dst: numbers from a pixel to the next, and from 16 channels of a pixel to the next 16.
  Index pixel_stride = 0;
  Index group_stride = 16;

  Index taps() const { return kernel * kernel * src.channels; }
  Index row_floats() const { return (src.width + 2 * padding) * src.channels; }
  /// Of one sample with its padding: what the functions need as scratch.
  Index padded_floats() const { return (src.height + 2 * padding) * row_floats(); }
};

/// One sample as floats, with zeros around it: `padded` [padded_floats()].
template <typename T>
void stem_pad(const StemPlan& plan, const T* src, float* padded);

/// dst = src * weights + bias, then max(dst, 0) where asked. weights [taps, dst.channels], bias
/// [dst.channels] or nullptr. T is float or Bfloat16.
template <typename T>
void stem_forward(const StemPlan& plan, const T* src, const float* weights, const float* bias,
                  bool relu, float* padded, T* dst);

/// diff_weights [taps, dst.channels], and diff_bias [dst.channels] unless it is nullptr.
template <typename T>
void stem_backward_weights(const StemPlan& plan, const T* src, const T* diff_dst, float* padded,
                           float* diff_weights, float* diff_bias);

}  // namespace kindred
