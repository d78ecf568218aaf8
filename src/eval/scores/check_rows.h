#pragma once
#include <string_view>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace kindred {

/// Of a row: float32 ends at 3.4e38, and sums of two squares stay below.
inline constexpr double kLargestSquare = 1e37;

/// Fails with ErrorKind::data, naming the first bad row, when `rows` hold NaN or infinity, or
/// numbers so large that their products leave float32. `what` names them: "query embeddings".
void check_rows(const Workers& workers, ConstMatrixView rows, std::string_view what);

/// Fails with ErrorKind::data unless there is one `what` for each row of `rows`.
void check_count(Index count, std::string_view what, Index rows, std::string_view of);

/// Fails with ErrorKind::data unless both have rows of the same length, and with usage where a side
/// has none.
void check_sides(ConstMatrixView queries, ConstMatrixView gallery);

}  // namespace kindred
