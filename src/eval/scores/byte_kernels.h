#pragma once
#include <cstdint>

#include "core/kernels.h"
#include "kindred/core/index.h"

namespace kindred {

/// Rows of 8-bit numbers, four times as many products in the same time as of float32, where the CPU
/// multiplies them. The sums are exact.
struct ByteKernels {
  static constexpr Isa kHighest = Isa::v4;

  /// Whether this level has them; all else is nothing where not. REQUIRES of all that is called:
  /// multiplies_bytes().
  bool there;
  /// The register tile, and what panels are made of: rows of the left side, of the right one.
  Index rows;
  Index cols;

  /// A panel of `count` rows of `depth` numbers each, `stride` apart, four numbers of each row
  /// after the other: [depth / 4, rows or cols, 4], zeros where there are no more.
  void (*pack_left)(const std::int8_t* src, Index count, Index depth, Index stride,
                    std::int8_t* packed);
  /// The same, and each number plus 128.
  void (*pack_right)(const std::int8_t* src, Index count, Index depth, Index stride,
                     std::uint8_t* packed);

  /// One side's panels with the scale of each row.
  struct Left {
    const std::int8_t* panels;
    const std::int32_t* sums;  ///< 128 times the sum of each row
    const float* scales;
  };
  struct Right {
    const std::uint8_t* panels;
    const float* scales;  ///< readable to whole panels
  };
  /// dst[i][j] = left row i · right row j times both scales, for i in [first_row, first_row +
  /// rows), j in [first_col, first_col + cols) and on to a whole panel. `dst` is where row
  /// first_row has column 0. REQUIRES: both begin panels. `groups`: depth / 4, rounded up.
  void (*multiply)(const Left& left, Index first_row, Index rows, const Right& right,
                   Index first_col, Index cols, Index groups, float* dst, Index dst_stride);
};

}  // namespace kindred
