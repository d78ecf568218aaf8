#pragma once
#include "core/kernels.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// Batch normalisation with what follows it, as own loops, because one pass over each channel
/// group that is still in cache does the norm, the activation and the 2x2 max pool, where oneDNN
/// makes three passes over memory. No mask and no index is kept: backward computes both again from
/// x, which it reads anyway.
///
///   y = (x - mean) * scale / sqrt(variance + epsilon) + shift,   mean and variance over N = S H W
///   then, where asked, the activation, then the largest of each 2x2 window (a last odd row or
///   column is left out; the first of equals wins).
///
/// Instance normalisation is the same with S = 1, sample by sample.
/// Arithmetic and per-channel numbers are float, whatever x and y are.
struct NormPlan {
  ChannelLayout x;  ///< src
  ChannelLayout y;  ///< dst: the same layout, pooled or not
  double epsilon = 1e-5;
  Activation activation;
  bool pool = false;  ///< only where is_clip(activation.kind)
};

/// Per-channel arrays of plan.x.C numbers; scale and shift are 0 in padding channels.
struct NormChannels {
  const float* scale = nullptr;
  const float* shift = nullptr;
  float* mean = nullptr;
  float* variance = nullptr;  ///< biased, as it normalises
};

/// Arrays of plan.x.C numbers that backward writes.
struct NormGradient {
  float* scale = nullptr;
  float* shift = nullptr;
  float* slopes = nullptr;  ///< of a PReLU, else nullptr
};

/// The loops of a norm; T is float or Bfloat16.
template <typename T>
struct NormKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// Independent pieces that a norm falls into: channels, of all samples.
  Index (*parts)(const NormPlan& plan);

  /// Computes mean and variance of x, and y. `selected` (pool only, shape of y) receives the x that
  /// won each window.
  void (*forward)(const NormPlan& plan, Index part, const T* x, const NormChannels& channels, T* y,
                  T* selected);

  /// From d loss / d y: the gradient of what is trained, and dx unless it is nullptr. dx may be dy
  /// where there is no pool.
  void (*backward)(const NormPlan& plan, Index part, const T* x, const T* selected,
                   const NormChannels& channels, const T* dy, const NormGradient& gradient, T* dx);

  /// y with the mean and variance given: inference.
  void (*inference)(const NormPlan& plan, Index part, const T* x, const NormChannels& channels,
                    T* y);
};

}  // namespace kindred
