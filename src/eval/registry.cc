#include "kindred/eval/registry.h"

namespace kindred {

std::span<const MetricEntry> metric_registry() {
  static constexpr MetricEntry kEntries[] = {
      {"recall@k", "retrieval", "share of queries with a relevant sample among the first k (CMC)"},
      {"precision@k", "retrieval", "share of relevant samples among the first k"},
      {"r_precision", "retrieval", "precision at R, the number of relevant samples"},
      {"map@r", "retrieval",
       "1/R · sum over the first R neighbours of precision at each relevant one (Musgrave 2020)"},
      {"map", "retrieval", "the same over the whole ranking: mean average precision"},
      {"mrr", "retrieval", "mean of 1 / rank of the first relevant neighbour"},
      {"error", "oneshot", "share of test images whose nearest training image is of another class"},
  };
  return kEntries;
}

}  // namespace kindred
