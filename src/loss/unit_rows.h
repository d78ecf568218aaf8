#pragma once
#include <span>

#include "kindred/core/parallel.h"
#include "kindred/core/scalar.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Rows shorter than this count as zero rows: their direction is rounding, not information.
inline constexpr double kShortestRow = 1e-12;

/// dst_i = src_i / ‖src_i‖, lengths_i = ‖src_i‖.   src, dst [N, D], lengths [N].
/// A row shorter than kShortestRow becomes a row of zeros of length 0.
/// With `rows` [N], different from each other, src_i is row rows[i] of src.
void unit_rows(const Workers& workers, ConstScalarView src, ScalarView dst,
               std::span<Scalar> lengths, std::span<const Index> rows = {});

/// diff_src_i += (I - û ûᵀ) / ‖src_i‖ · diff_unit_i, the chain rule of unit_rows; nothing for
/// a zero row. `unit` and `lengths` are what unit_rows wrote. With `overwrite` the old content of
/// diff_src is not added to. `rows` as in unit_rows, for diff_src.
void unit_rows_backward(const Workers& workers, ConstScalarView unit,
                        std::span<const Scalar> lengths, ConstScalarView diff_unit,
                        ScalarView diff_src, bool overwrite = false,
                        std::span<const Index> rows = {});

}  // namespace KINDRED_SCALAR
}  // namespace kindred
