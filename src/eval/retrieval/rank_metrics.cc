#include "eval/retrieval/rank_metrics.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {
namespace {

using Ranks = std::span<const Index>;

/// Number of relevant samples among the first k.
Index hits(Ranks ranks, Index k) {
  return std::upper_bound(ranks.begin(), ranks.end(), k) - ranks.begin();
}

/// 1/R · sum over the first `count` relevant samples of P(rank), where P(rank) = their number up
/// to that rank / rank.
double precision_sum(Ranks ranks, Index count) {
  double sum = 0;
  for (Index j = 0; j < count; ++j) {
    sum += static_cast<double>(j + 1) / static_cast<double>(ranks[static_cast<std::size_t>(j)]);
  }
  return sum / static_cast<double>(ranks.size());
}

double recall(Ranks ranks, Index k) { return ranks.front() <= k ? 1.0 : 0.0; }

double precision(Ranks ranks, Index k) {
  return static_cast<double>(hits(ranks, k)) / static_cast<double>(k);
}

double r_precision(Ranks ranks, Index) {
  return precision(ranks, static_cast<Index>(ranks.size()));
}

// Musgrave et al. 2020, "A metric learning reality check", eq. (3).
double map_at_r(Ranks ranks, Index) {
  return precision_sum(ranks, hits(ranks, static_cast<Index>(ranks.size())));
}

double mean_average_precision(Ranks ranks, Index) {
  return precision_sum(ranks, static_cast<Index>(ranks.size()));
}

double reciprocal_rank(Ranks ranks, Index) { return 1.0 / static_cast<double>(ranks.front()); }

void add_at(std::vector<RankMetric>& metrics, const char* name, const std::vector<Index>& at,
            double (*value)(Ranks, Index)) {
  for (const Index k : at) {
    if (k < 1) {
      fail(ErrorKind::usage,
           fmt::format("{}@{}: the number of neighbours must be at least 1", name, k));
    }
    metrics.push_back({fmt::format("{}@{}", name, k), k, value});
  }
}

}  // namespace

std::vector<RankMetric> rank_metrics(const RetrievalOptions& options) {
  std::vector<RankMetric> metrics;
  add_at(metrics, "recall", options.recall_at, &recall);
  add_at(metrics, "precision", options.precision_at, &precision);
  metrics.push_back({"r_precision", 0, &r_precision});
  metrics.push_back({"map@r", 0, &map_at_r});
  if (options.map) metrics.push_back({"map", 0, &mean_average_precision});
  metrics.push_back({"mrr", 0, &reciprocal_rank});
  return metrics;
}

}  // namespace kindred
