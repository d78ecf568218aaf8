#include "kindred/eval/neighbors.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/neighbors/nearest_rows.h"
#include "eval/neighbors/scanned_rows.h"
#include "eval/neighbors/self_search.h"
#include "eval/scores/check_rows.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

void check_k(Index k, Index gallery, bool leave_one_out) {
  const Index most = gallery - (leave_one_out ? 1 : 0);
  if (k >= 1 && k <= most) return;
  fail(ErrorKind::usage,
       fmt::format("k = {}, but there are {} {} to choose from; k must be 1 to {}", k, most,
                   leave_one_out ? "other embeddings" : "gallery embeddings", most));
}

}  // namespace

Neighbors find_neighbors(const Workers& workers, ConstMatrixView queries, ConstMatrixView gallery,
                         Index k, Similarity similarity, bool leave_one_out) {
  check_sides(queries, gallery);
  check_k(k, gallery.rows(), leave_one_out);
  if (leave_one_out) check_count(queries.rows(), "queries", gallery.rows(), "gallery embeddings");
  check_rows(workers, queries, "query embeddings");
  if (!leave_one_out && is_faster_scanned(queries.rows())) {
    return scan_rows(workers, queries, gallery, k, similarity);
  }
  if (!leave_one_out) check_rows(workers, gallery, "gallery embeddings");

  if (may_search_itself(queries, gallery, k)) {
    return search_itself(workers, gallery, k, similarity, leave_one_out);
  }

  return nearest_rows(workers, queries, gallery, k, similarity, leave_one_out);
}

double neighbor_recall(const BasicMatrix<std::int64_t>& found,
                       const BasicMatrix<std::int64_t>& exact, Index k) {
  if (k < 1 || k > found.cols() || k > exact.cols() || found.rows() < exact.rows()) {
    fail(ErrorKind::usage, fmt::format("recall of {} neighbours of {} rows asked of [{}, {}] found",
                                       k, exact.rows(), found.rows(), found.cols()));
  }
  Index hits = 0;
  for (Index i = 0; i < exact.rows(); ++i) {
    const std::int64_t* const row = found.row(i);
    for (Index j = 0; j < k; ++j) hits += std::find(row, row + k, exact(i, j)) != row + k ? 1 : 0;
  }
  return static_cast<double>(hits) / static_cast<double>(k * exact.rows());
}

}  // namespace kindred
