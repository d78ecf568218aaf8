#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// Sums over the numbers of two rows, in float64, one way at every level: number k is added to sum
/// k mod 16, and the sixteen sums by halves. No product is fused with a sum (-ffp-contract=off), so
/// that the bits depend on the two rows alone.
struct ExactKernels {
  static constexpr Isa kHighest = Isa::v4;

  double (*dot)(const double* a, const float* b, Index size);
  double (*dot_of_doubles)(const double* a, const double* b, Index size);
  double (*squared_distance)(const double* a, const float* b, Index size);
  double (*squared_distance_of_doubles)(const double* a, const double* b, Index size);
};

}  // namespace kindred
