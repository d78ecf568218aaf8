#pragma once
#include <cmath>

#include "kindred/eval/metric.h"

namespace kindred {

/// An exact score (eval/scores/exact_scores.h) as verification tells it: minus the distance, not
/// its square.
inline double pair_score(double exact, Similarity similarity) {
  return similarity == Similarity::euclidean ? -std::sqrt(-exact) : exact;
}

}  // namespace kindred
