#pragma once
#include <cmath>
#include <limits>
#include <span>

#include "eval/neighbors/best_neighbors.h"
#include "kindred/eval/neighbors.h"

namespace kindred {

/// find_neighbors() for rows of either precision, unchecked: each query against the whole gallery.
Neighbors nearest_rows(const Workers& workers, const RowsView& queries, const RowsView& gallery,
                       Index k, Similarity similarity, bool leave_one_out = false);

/// Row `row` of the result, of the best rows, nearest first. Where there are fewer than the result
/// has columns, index -1 and the lowest score follow.
inline void write_neighbors(std::span<const ScoredRow> best, Similarity similarity, Index row,
                            Neighbors& found) {
  const bool euclidean = similarity == Similarity::euclidean;
  constexpr double kFarthest = std::numeric_limits<double>::infinity();
  for (Index j = 0; j < found.index.cols(); ++j) {
    if (j >= static_cast<Index>(best.size())) {
      found.index(row, j) = -1;
      found.score(row, j) = euclidean ? kFarthest : -kFarthest;
      continue;
    }
    const ScoredRow& one = best[static_cast<std::size_t>(j)];
    found.index(row, j) = static_cast<std::int64_t>(one.row);
    found.score(row, j) = euclidean ? std::sqrt(-one.score) : one.score;
  }
}

}  // namespace kindred
