#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// Sums over the numbers of two rows, in float64, one way at every level: number k is added to sum
/// k mod 16, and the sixteen sums by halves. No product is fused with a sum (-ffp-contract=off), so
/// that the bits depend on the two rows alone.
struct ExactKernels {
  static constexpr Isa kHighest = Isa::v4;

  /// Rows of `size` numbers, `stride` apart.
  struct Rows {
    const float* first;
    Index count;
    Index stride;
    Index size;
  };
  /// dst[i]: dot() of `a` and row i.
  void (*dots)(const double* a, const Rows& rows, double* dst);
  /// dst[i]: squared_distance() of `a` and row i.
  void (*squared_distances)(const double* a, const Rows& rows, double* dst);
  /// The same, and squares[i]: dot() of row i and itself. What stands `ahead` numbers behind what
  /// is read is on its way from memory then.
  void (*dots_and_squares)(const double* a, const Rows& rows, Index ahead, double* dst,
                           double* squares);
  void (*squared_distances_and_squares)(const double* a, const Rows& rows, Index ahead, double* dst,
                                        double* squares);

  double (*dot)(const double* a, const float* b, Index size);
  double (*dot_of_doubles)(const double* a, const double* b, Index size);
  double (*squared_distance)(const double* a, const float* b, Index size);
  double (*squared_distance_of_doubles)(const double* a, const double* b, Index size);
};

}  // namespace kindred
