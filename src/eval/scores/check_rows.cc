#include "eval/scores/check_rows.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "core/check_finite.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr Index kCheckedRows = 256;

bool is_fine(const float* row, Index size) {
  double sum = 0;
  for (Index k = 0; k < size; ++k) sum += static_cast<double>(row[k]) * row[k];
  return sum <= kLargestSquare;  // false for NaN
}

std::string describe(const float* row, Index size) {
  const Index k = first_not_finite(row, size);
  if (k < 0) return "is too long: its square leaves float32; scale the rows down";
  return fmt::format("has {} at column {}", std::isnan(row[k]) ? "NaN" : "infinity", k);
}

}  // namespace

void check_rows(const Workers& workers, ConstMatrixView rows, std::string_view what) {
  std::vector<Index> first_bad(static_cast<std::size_t>(blocks_of(rows.rows(), kCheckedRows)), -1);
  workers.for_blocks(rows.rows(), kCheckedRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      if (is_fine(rows.row(i), rows.cols())) continue;
      first_bad[static_cast<std::size_t>(begin / kCheckedRows)] = i;
      return;
    }
  });
  for (const Index i : first_bad) {
    if (i < 0) continue;
    fail(ErrorKind::data, fmt::format("{}: row {} of {} {}", what, i, rows.rows(),
                                      describe(rows.row(i), rows.cols())));
  }
}

void check_count(Index count, std::string_view what, Index rows, std::string_view of) {
  if (count == rows) return;
  fail(ErrorKind::data, fmt::format("{} {} for {} {}; each row needs one", count, what, rows, of));
}

void check_sides(ConstMatrixView queries, ConstMatrixView gallery) {
  if (queries.rows() == 0) fail(ErrorKind::data, "there are no query embeddings");
  if (gallery.rows() == 0) fail(ErrorKind::data, "there are no gallery embeddings");
  if (queries.cols() == gallery.cols()) return;
  fail(ErrorKind::data,
       fmt::format(
           "queries have {} numbers a row, the gallery has {}; both must come from one model",
           queries.cols(), gallery.cols()));
}

}  // namespace kindred
