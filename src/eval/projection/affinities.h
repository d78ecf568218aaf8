#pragma once
#include <cstdint>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace kindred {

/// How near rows are to each other, as t-SNE wants it: symmetric, adds up to one, zero but among
/// nearest neighbours. Row i's partners are column[first[i]] to column[first[i + 1]], rising.
struct Affinities {
  std::vector<Index> first;  ///< [N + 1]
  std::vector<std::int32_t> column;
  std::vector<float> value;
};

/// A Gaussian around each row as wide as gives it `perplexity` neighbours; by the distance between
/// rows made unit (cosine) or as they are (euclidean).
Affinities neighbor_affinities(const Workers& workers, ConstMatrixView rows, Similarity similarity,
                               double perplexity);

}  // namespace kindred
