#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/index.h"
#include "kindred/eval/retrieval.h"

namespace kindred {

/// Relevant samples and others whose scores tie: in whatever order they stand, the places
/// ranks[first], ..., ranks[first] + relevant + others - 1 are theirs.
struct TieGroup {
  Index first;     ///< of the relevant samples, in the order of their ranks
  Index relevant;  ///< at least 1
  Index others;    ///< at least 1
};

/// Where one query's relevant samples stand, of which there is at least one.
struct RankedQuery {
  std::span<const Index> ranks;    ///< 1-based, rising; tied others stand behind
  std::span<const TieGroup> ties;  ///< by rising `first`
};

/// A retrieval metric of one query: its expected value over a random order of the samples that tie.
struct RankMetric {
  std::string name;  ///< "recall@5"
  Index k;           ///< 5; 0 where the metric has none
  double (*value)(const RankedQuery& query, Index k);
};

/// Adds recall at each of the places.
void add_recall(std::vector<RankMetric>& metrics, const std::vector<Index>& at);

/// What `options` ask for, in the order of RetrievalResult::metrics.
std::vector<RankMetric> rank_metrics(const RetrievalOptions& options);

}  // namespace kindred
