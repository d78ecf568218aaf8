#include "core/sum_rows.h"

#include "core/row_kernels.h"

namespace kindred {

void sum_rows(const Workers& workers, MatrixView rows, Index stride, Index count) {
  if (count < 2) return;
  constexpr Index kBlock = 8192;  // floats: a block of every row stays in cache
  const auto add = kernels<RowKernels>().add_rows;
  workers.for_blocks(rows.cols(), kBlock, [&](Index begin, Index end, int) {
    add(rows.row(0), stride, count, begin, end);
  });
}

}  // namespace kindred
