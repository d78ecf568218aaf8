#pragma once
#include <string>

#include "kindred/core/matrix.h"

namespace kindred {

/// Fails with data at the first value that is NaN or infinite; row 0 is row `first_row` of `where`.
void check_finite(ConstMatrixView values, const std::string& where, Index first_row = 0);

}  // namespace kindred
