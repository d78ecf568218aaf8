#pragma once
#include "core/kernels.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// A depthwise convolution: each channel has a kernel of its own and meets no other.
///
///   dst(c, h, w) = bias(c) + sum over kh, kw of
///                  weights(c, kh, kw) src(c, h stride + kh dilation - padding, w stride + ...)
///
/// src and dst have the same channels in the same layout. Arithmetic is float. A multiplication is
/// made for every two or three bytes that are read and written: 3x3 is a matter of memory wherever
/// a slice's tensors do not stay in cache.
struct DepthwisePlan {
  ChannelLayout src;
  ChannelLayout dst;
  Index kernel = 3;
  Index stride = 1;
  Index padding = 1;
  Index dilation = 1;

  Index taps() const { return kernel * kernel; }
  /// Of weights and of their gradient: [channel group, tap, lane], so that the numbers of group g
  /// begin at its channel * taps. Padding channels have zeros.
  Index weight_floats() const { return taps() * src.C; }
};

/// What forward does with the sums.
struct DepthwiseOutput {
  const float* bias = nullptr;  ///< [src.C], zero in padding channels; nullptr: none
  bool sum = false;             ///< adds what dst holds
  Activation activation;        ///< last
};

/// The loops of a depthwise convolution; T is float or Bfloat16. Parts own what they write.
template <typename T>
struct DepthwiseKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  Index (*forward_parts)(const DepthwisePlan& plan);
  void (*forward)(const DepthwisePlan& plan, Index part, const T* src, const float* weights,
                  const DepthwiseOutput& output, T* dst);

  Index (*data_parts)(const DepthwisePlan& plan);
  void (*backward_data)(const DepthwisePlan& plan, Index part, const T* diff_dst,
                        const float* weights, T* diff_src);

  /// Parts are channels, of all samples. `diff_bias` may be nullptr.
  Index (*gradient_parts)(const DepthwisePlan& plan);
  void (*backward_weights)(const DepthwisePlan& plan, Index part, const T* src, const T* diff_dst,
                           float* diff_weights, float* diff_bias);
};

}  // namespace kindred
