#pragma once
#include <cstdint>

#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// lanes.h as each level compiles it. Arrays of `count` numbers, a multiple of 16; a second operand
/// is an array as long.
struct LanesKernels {
  static constexpr Isa kHighest = Isa::v4;
  using Unary = void (*)(const float* src, float* dst, Index count);
  using Binary = void (*)(const float* a, const float* b, float* dst, Index count);
  using Compare = void (*)(const float* a, const float* b, std::int32_t* dst, Index count);

  Unary exp, log, softplus, sigmoid, sqrt, abs, negative;
  Unary whole;  ///< to_scalar(to_int(x))
  Binary plus, minus, times, over, max, min;
  Binary smaller_or_seven;  ///< select(a < b, a, 7)
  Compare less, less_equal, greater, greater_equal, equal, not_equal;
  /// Bits of 16 numbers: (a & ~b) | (a << 3), and ((a + 5) - b) >> 2.
  void (*bits)(const std::int32_t* a, const std::int32_t* b, std::int32_t* dst);
  void (*shifted)(const std::int32_t* a, const std::int32_t* b, std::int32_t* dst);
  bool (*any)(const std::int32_t* mask);                 ///< of 16
  void (*first)(const float* src, Index n, float* dst);  ///< first_lanes of 16, then -1
  void (*part)(const float* src, Index n, float* dst);   ///< load_part, filled up with -1
  void (*store_part)(const float* src, Index n, float* dst);
  void (*count_from)(Index first, std::int32_t* dst);
  float (*largest)(const float* src);
  double (*sum)(const float* src, Index count, double* lanes);  ///< LaneSum, and its 16 lanes
  double (*dot)(const float* a, const float* b, Index count);   ///< any count
  double (*squared_difference)(const float* a, const float* b, Index count);
};

}  // namespace kindred
