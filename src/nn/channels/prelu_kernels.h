#pragma once
#include "core/kernels.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// PReLU, an activation whose slopes are trained, one for each channel:
///   y = x where x > 0, else slope * x
/// Source: He et al. 2015, "Delving deep into rectifiers". Arithmetic and slopes are float.
struct PreluPlan {
  ChannelLayout x;  ///< y has the same
};

/// The loops of a PReLU; T is float or Bfloat16. slopes and dslopes: [plan.x.C].
template <typename T>
struct PreluKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// Independent pieces that the work falls into: channels, of all samples.
  Index (*parts)(const PreluPlan& plan);

  /// y may be x.
  void (*forward)(const PreluPlan& plan, Index part, const T* x, const float* slopes, T* y);

  /// dslopes, the sums of dy min(x, 0): float within a sample, double across samples. And dx unless
  /// it is nullptr; it may be dy.
  void (*backward)(const PreluPlan& plan, Index part, const T* x, const float* slopes, const T* dy,
                   float* dslopes, T* dx);
};

}  // namespace kindred
