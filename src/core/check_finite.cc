#include "core/check_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"

namespace kindred {

void check_finite(ConstMatrixView values, const std::string& where, Index first_row) {
  for (Index i = 0; i < values.rows(); ++i) {
    const float* row = values.row(i);
    // x - x is 0 for finite x, NaN for the others; the sum is then NaN: one pass that vectorises.
    float sum = 0;
    for (Index j = 0; j < values.cols(); ++j) sum += row[j] - row[j];
    if (sum == 0) continue;
    const Index j =
        std::find_if_not(row, row + values.cols(), [](float x) { return std::isfinite(x); }) - row;
    fail(ErrorKind::data, fmt::format("{} row {} holds {} in column {}; every value must be finite",
                                      where, first_row + i, row[j], j));
  }
}

}  // namespace kindred
