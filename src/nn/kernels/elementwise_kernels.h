#pragma once
#include <cstdint>

#include "core/kernels.h"
#include "kindred/core/index.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// Loops over numbers one by one, wherever they lie in a tensor. T is float or Bfloat16; what is
/// computed is float. A result may take the place of what it is computed from.
template <typename T>
struct ElementwiseKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// y = f(x); NaN stays NaN. Here and below f is no PReLU, whose slopes are the channels'
  /// (prelu_kernels.h).
  void (*activate)(Activation f, const T* x, Index size, T* y);
  /// dx = dy f'(x). Where is_clip(f), x may as well be f(x): a ReLU's is dy where that is above 0
  /// (or NaN), else 0.
  void (*activate_backward)(Activation f, const T* dy, const T* x, Index size, T* dx);
  /// y = a + b
  void (*add)(const T* a, const T* b, Index size, T* y);
  /// y = f(a + b)
  void (*add_activated)(Activation f, const T* a, const T* b, Index size, T* y);
  /// y = factor * x where kept is 1, 0 where it is 0
  void (*drop)(const T* x, const std::uint8_t* kept, float factor, Index size, T* y);
};

}  // namespace kindred
