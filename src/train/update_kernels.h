#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// What one step of Adam multiplies by (adam.cc).
struct AdamStep {
  float gradient_scale;
  float added_decay;   ///< of the weight, to its gradient
  float keep;          ///< of the weight
  float beta1, rest1;  ///< rest = 1 - beta
  float beta2, rest2;
  float epsilon;
  float stride;  ///< rate / (1 - beta1^t)
  float root;    ///< 1 / sqrt(1 - beta2^t)
};

/// What one step of SGD multiplies by (sgd.cc).
struct SgdStep {
  float gradient_scale;
  float decay;
  float momentum;
  bool nesterov;
  float rate;
};

/// The loops over flat arrays of `count` numbers; each number's bits follow its own place alone.
struct UpdateKernels {
  static constexpr Isa kHighest = Isa::v4;

  void (*adam)(const AdamStep& step, const float* gradient, float* weights, float* means,
               float* squares, Index count);
  /// Without momentum `moments` is nullptr.
  void (*sgd)(const SgdStep& step, const float* gradient, float* weights, float* moments,
              Index count);
  /// mean += rest (weights - mean)
  void (*average)(float rest, const float* weights, float* mean, Index count);
  /// In double, as LaneSum adds (core/lanes.h).
  double (*sum_of_squares)(const float* values, Index count);
};

}  // namespace kindred
