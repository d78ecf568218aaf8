#pragma once
#include <string>

#include "kindred/core/matrix.h"

namespace kindred {

/// The first value of a row that is NaN or infinite, or -1.
Index first_not_finite(const float* row, Index size);

/// Fails with data at the first value that is NaN or infinite; row 0 is row `first_row` of `where`.
void check_finite(ConstMatrixView values, const std::string& where, Index first_row = 0);

}  // namespace kindred
