#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// Sums over rows of gradients.
struct RowKernels {
  static constexpr Isa kHighest = Isa::v4;

  /// The sum of `count` rows, `stride` apart, in the first of them, elements [begin, end): in a
  /// tree of pairs, neighbours first. The other rows are spent.
  void (*add_rows)(float* rows, Index stride, Index count, Index begin, Index end);
};

}  // namespace kindred
