#pragma once
#include <cmath>
#include <span>

#include "eval/scores/score_keys.h"
#include "kindred/eval/neighbors.h"

namespace kindred {

/// Row `row` of the result: the first of `keys`, nearest first, as many as the result has columns.
inline void write_neighbors(std::span<const std::uint64_t> keys, Similarity similarity, Index row,
                            Neighbors& found) {
  for (Index j = 0; j < found.index.cols(); ++j) {
    const std::uint64_t key = keys[static_cast<std::size_t>(j)];
    const float score = score_of_key(key);
    found.index(row, j) = static_cast<std::int64_t>(index_of_key(key));
    found.score(row, j) =
        similarity == Similarity::euclidean ? std::sqrt(std::max(-score, 0.0F)) : score;
  }
}

}  // namespace kindred
