#include "kindred/eval/row_summary.h"

#include <algorithm>
#include <vector>

#include "eval/scores/exact_scores.h"

namespace kindred {
namespace {

constexpr Index kSummarisedRows = 256;

struct Part {
  Index zeros = 0;
  bool all_equal = true;
  bool one_direction = true;
};

}  // namespace

RowSummary summarise_rows(const Workers& workers, ConstMatrixView rows) {
  RowSummary summary;
  summary.rows = rows.rows();
  if (rows.rows() == 0) return summary;
  const RowsView view(rows);
  std::vector<Part> parts(static_cast<std::size_t>(blocks_of(rows.rows(), kSummarisedRows)));
  workers.for_blocks(rows.rows(), kSummarisedRows, [&](Index begin, Index end, int) {
    Part& part = parts[static_cast<std::size_t>(begin / kSummarisedRows)];
    std::vector<double> first(static_cast<std::size_t>(rows.cols()));
    std::vector<double> own(first.size());
    view.widen(0, first.data());
    const double square = view.dot(first.data(), 0);
    for (Index i = begin; i < end; ++i) {
      const float* const row = rows.row(i);
      const bool zero = std::all_of(row, row + rows.cols(), [](float x) { return x == 0; });
      part.zeros += zero ? 1 : 0;
      part.all_equal = part.all_equal && std::equal(row, row + rows.cols(), rows.row(0));
      if (!part.one_direction) continue;
      view.widen(i, own.data());
      part.one_direction = exact_score(first.data(), square, view, i, view.dot(own.data(), i),
                                       Similarity::cosine) > 1 - 1e-12;
    }
  });
  Part all;
  for (const Part& part : parts) {
    all.zeros += part.zeros;
    all.all_equal = all.all_equal && part.all_equal;
    all.one_direction = all.one_direction && part.one_direction;
  }
  summary.zeros = all.zeros;
  summary.all_equal = all.all_equal && rows.rows() > 1;
  summary.one_direction = all.one_direction && !all.all_equal;
  return summary;
}

}  // namespace kindred
