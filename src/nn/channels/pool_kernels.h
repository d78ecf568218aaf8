#pragma once
#include <cstdint>

#include "core/kernels.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/kernels/numbers.h"

namespace kindred {

/// A pool: windows of kernel x kernel pixels, `stride` apart, that reach over the edges by
/// `padding`; pixels outside never count. Arithmetic is float.
struct PoolPlan {
  ChannelLayout src;
  ChannelLayout dst;  ///< the same layout
  Index kernel = 2;
  Index stride = 2;
  Index padding = 0;
  bool largest = true;  ///< of each window, the first of equals; else its mean
};

/// The loops of a pool; T is float or Bfloat16.
template <typename T>
struct PoolKernels {
  static constexpr Isa kHighest = kHighestOf<T>;

  /// y of x. `winners` (largest only, shape of y, or nullptr) receives the number within its window
  /// of the pixel that won.
  void (*forward)(const PoolPlan& plan, const T* x, T* y, std::uint8_t* winners);

  /// dx of dy. `sums` is scratch of a sample's floats.
  void (*backward)(const PoolPlan& plan, const T* dy, const std::uint8_t* winners, float* sums,
                   T* dx);
};

}  // namespace kindred
