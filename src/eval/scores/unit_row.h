#pragma once
#include <cmath>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace kindred {

/// dst = src / ‖src‖, in float64 until the end; a row of zeros stays one. src may be dst.
inline void unit_row(const float* src, Index size, float* dst) {
  double sum = 0;
  for (Index k = 0; k < size; ++k) sum += static_cast<double>(src[k]) * src[k];
  const double factor = sum > 0 ? 1 / std::sqrt(sum) : 0;
  for (Index k = 0; k < size; ++k) dst[k] = static_cast<float>(src[k] * factor);
}

/// Every row as unit_row makes it.
inline Matrix unit_rows(const Workers& workers, ConstMatrixView rows) {
  Matrix unit(rows.rows(), rows.cols());
  workers.for_blocks(rows.rows(), 256, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) unit_row(rows.row(i), rows.cols(), unit.row(i));
  });
  return unit;
}

}  // namespace kindred
