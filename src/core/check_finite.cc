#include "core/check_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"

namespace kindred {

Index first_not_finite(const float* row, Index size) {
  // x - x is 0 for finite x, NaN for the others; the sum is then NaN: one pass that vectorises.
  float sum = 0;
  for (Index j = 0; j < size; ++j) sum += row[j] - row[j];
  if (sum == 0) return -1;
  return std::find_if_not(row, row + size, [](float x) { return std::isfinite(x); }) - row;
}

void check_finite(ConstMatrixView values, const std::string& where, Index first_row) {
  for (Index i = 0; i < values.rows(); ++i) {
    const float* row = values.row(i);
    const Index j = first_not_finite(row, values.cols());
    if (j < 0) continue;
    fail(ErrorKind::data, fmt::format("{} row {} holds {} in column {}; every value must be finite",
                                      where, first_row + i, row[j], j));
  }
}

}  // namespace kindred
