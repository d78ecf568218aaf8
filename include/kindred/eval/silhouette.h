#pragma once
#include <cstdint>
#include <span>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace KINDRED_API kindred {

/// How well clusters stand apart: the mean over rows of (b - a) / max(a, b), in [-1, 1], where a is
/// the mean distance to the others of the row's cluster, and b the least mean distance to the rows
/// of another; 0 for a row that is alone in its cluster. Distances are Euclidean, or 1 - cosine, in
/// float64. N² distances: minutes for 100,000 rows; KMeansResult::silhouette is the cheap one.
/// rows [N, D], clusters [N]. The same bits for any number of threads.
/// Fails with data on counts that disagree, rows that are not finite, and unless there are from 2
/// to N - 1 clusters; with usage on the inner product, which is no distance. Source: Rousseeuw
/// 1987.
double silhouette_score(const Workers& workers, ConstMatrixView rows,
                        std::span<const std::int64_t> clusters,
                        Similarity similarity = Similarity::cosine);

}  // namespace kindred
