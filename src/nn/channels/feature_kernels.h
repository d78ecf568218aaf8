#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// Vectors that are normalised each on its own: one sample's features.
struct FeaturePlan {
  Index S = 0;
  Index features = 0;
  Index stride = 0;  ///< numbers from a sample to the next; what lies between holds zeros
};

/// Arithmetic and arrays of floats are float, whatever x and y are; T is float or Bfloat16.
template <typename T>
struct FeatureKernels {
  static constexpr Isa kHighest = kHighestOf<T>;
  /// Vectors that are shorter count as zero: their direction is rounding, not information.
  static constexpr float kShortest = 1e-12F;

  /// Layer normalisation: y = (x - mean) inverse * scale + shift, mean over the sample's features,
  /// inverse = 1 / sqrt(variance + epsilon). scale, shift [features]; means and inverses [S] are
  /// for backward.
  /// Source: Ba et al. 2016, "Layer normalization".
  void (*normalise)(const FeaturePlan& plan, double epsilon, const T* x, const float* scale,
                    const float* shift, float* means, float* inverses, T* y);
  /// dscale and dshift [features], sums over the samples in their order; and dx unless it is
  /// nullptr.
  void (*normalise_backward)(const FeaturePlan& plan, const T* x, const float* scale,
                             const float* means, const float* inverses, const T* dy, float* dscale,
                             float* dshift, T* dx);

  /// Unit length: y = x inverse, inverse = 1 / ‖x‖. A vector shorter than kShortest becomes zeros,
  /// inverse 0, and its dx as well.
  void (*to_unit)(const FeaturePlan& plan, const T* x, float* inverses, T* y);
  void (*to_unit_backward)(const FeaturePlan& plan, const T* x, const float* inverses, const T* dy,
                           T* dx);
};

}  // namespace kindred
