#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// The scan of a gallery: products in float32 of rows that lie one after the other in memory.
struct ScanKernels {
  static constexpr Isa kHighest = Isa::v4;
  static constexpr Index kQueries = 4;  ///< that are scored at once

  /// scores[q * score_stride + i] := query q · row i * scales[i], for q in [0, queries), i in
  /// [0, rows). Rows and queries begin every `stride` numbers, on 64 bytes, and are zeros behind
  /// their own numbers. queries 1 to kQueries.
  void (*score)(const float* rows, Index count, Index stride, const float* scales,
                const float* queries, Index asked, float* scores, Index score_stride);
};

}  // namespace kindred
