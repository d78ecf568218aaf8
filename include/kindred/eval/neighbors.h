#pragma once
#include <cstdint>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace KINDRED_API kindred {

/// The k nearest gallery rows of each query, by falling score, ties to the lower index.
struct Neighbors {
  BasicMatrix<std::int64_t> index;  ///< [Q, k]
  BasicMatrix<double> score;        ///< [Q, k]; cosine or inner product; Euclidean: the distance
};

/// Exact search. Rows count as exact (denormal numbers as zero), and the scores of those returned
/// are float64's: two neighbours stand in another order than float64 would put them only where
/// their scores agree within 1e-12 of |q| |g| (cosine, inner product) or of the squared distance
/// (Euclidean). A few queries are scored in float64 with every row, at the speed that memory is
/// read. Of more, blocked products in float32 with a proven bound on their error say which rows can
/// be among the nearest; those are scored in float64. Where the queries are the gallery, bit for
/// bit, each pair of rows is multiplied once, for both: half the products, the same bits.
/// k <= gallery rows (leave-one-out: less one), else usage error.
Neighbors find_neighbors(const Workers& workers, ConstMatrixView queries, ConstMatrixView gallery,
                         Index k, Similarity similarity, bool leave_one_out = false);

/// Share of the first k indices of each row of `exact` that are among the first k of that row of
/// `found`, which may have more rows. Fewer than k columns in either: usage error.
double neighbor_recall(const BasicMatrix<std::int64_t>& found,
                       const BasicMatrix<std::int64_t>& exact, Index k);

}  // namespace kindred
