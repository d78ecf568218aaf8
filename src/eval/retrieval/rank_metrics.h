#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/index.h"
#include "kindred/eval/retrieval.h"

namespace kindred {

/// A retrieval metric of one query: a function of the ranks (1-based, rising) of its relevant
/// samples, of which there is at least one.
struct RankMetric {
  std::string name;  ///< "recall@5"
  Index k;           ///< 5; 0 where the metric has none
  double (*value)(std::span<const Index> ranks, Index k);
};

/// What `options` ask for, in the order of RetrievalResult::metrics.
std::vector<RankMetric> rank_metrics(const RetrievalOptions& options);

}  // namespace kindred
