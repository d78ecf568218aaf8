#pragma once
#include "core/kernels.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// What gates of channels are made of (squeeze-excite): the mean of each channel over the image, a
/// gate in [0, 1] for each, the product of the two. Of one sample each; arithmetic is float.
struct GatePlan {
  ChannelLayout x;    ///< of the image; y has the same
  bool hard = false;  ///< gate = relu6(e + 3) / 6, else 1 / (1 + e^-e)
};

/// T is float or Bfloat16; gates and their gradients [plan.x.C].
template <typename T>
struct GateKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// means [plan.x.C] of the pixels of x.
  void (*means)(const GatePlan& plan, const T* x, T* means);
  /// gates of `size` numbers.
  void (*gates)(const GatePlan& plan, const float* e, Index size, float* gates);
  /// y = x * gates
  void (*forward)(const GatePlan& plan, const T* x, const float* gates, T* y);

  /// dgates: the sums of dy * x over the pixels.
  void (*backward_gates)(const GatePlan& plan, const T* x, const T* dy, float* dgates);
  /// de of `size` numbers.
  void (*backward_e)(const GatePlan& plan, const float* gates, const float* dgates, Index size,
                     float* de);
  /// dx = dy * gates, and what each pixel has in its channel's mean.
  void (*backward)(const GatePlan& plan, const T* dy, const float* gates, const T* dmeans, T* dx);
};

}  // namespace kindred
