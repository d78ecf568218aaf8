#pragma once
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace kindred {

/// The sum of `count` rows, `stride` floats apart, in the first of them: in a tree of pairs,
/// neighbours first. The other rows are spent. Of `rows` the first row and the columns count.
void sum_rows(const Workers& workers, MatrixView rows, Index stride, Index count);

}  // namespace kindred
