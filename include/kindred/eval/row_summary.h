#pragma once
#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace KINDRED_API kindred {

/// What makes scores of rows a matter of chance.
struct RowSummary {
  Index rows = 0;
  Index zeros = 0;             ///< rows of nothing but zeros (denormal numbers count as such)
  bool all_equal = false;      ///< of two rows or more
  bool one_direction = false;  ///< all cosines are 1, within 1e-12; some lengths differ
};

/// rows [N, D], finite.
RowSummary summarise_rows(const Workers& workers, ConstMatrixView rows);

}  // namespace kindred
