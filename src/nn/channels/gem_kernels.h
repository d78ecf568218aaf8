#pragma once
#include "core/kernels.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// Generalised mean of each channel over the image:
///   y = (mean of v^p)^(1/p),   v = max(x, epsilon)
/// p = 1 is the mean, a large p nearly the largest. Computed as g (mean of (v / g)^p)^(1/p) with
/// the largest g, so that no power of a number overflows or vanishes.
/// Source: Radenovic et al. 2018, "Fine-tuning CNN image retrieval with no human annotation".
struct GemPlan {
  ChannelLayout x;
  ChannelLayout y;     ///< of one pixel
  Index channels = 0;  ///< without the layout's padding
  float epsilon = 1e-6F;
};

/// T is float or Bfloat16; what is computed is float. For one sample each.
template <typename T>
struct GemKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// y; `largest` and `means` [plan.x.C] receive g and the mean of (v / g)^p, for backward.
  void (*forward)(const GemPlan& plan, float power, const T* x, float* largest, float* means, T* y);

  /// dx, unless it is nullptr; returns the derivative by the power.
  double (*backward)(const GemPlan& plan, float power, const T* x, const float* largest,
                     const float* means, const T* dy, T* dx);
};

}  // namespace kindred
