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
      {"neighbor_recall@k", "retrieval",
       "share of the neighbours that an ann-benchmarks file lists which our search finds"},
      {"accuracy_mean", "verify",
       "share of pairs judged right, each fold with the threshold best on the others (LFW)"},
      {"accuracy_std", "verify", "population standard deviation of that over folds"},
      {"accuracy_best", "verify",
       "that of the one threshold best for all pairs, which it has seen"},
      {"base_rate", "verify", "accuracy of one answer for all pairs: share of the commoner kind"},
      {"auc", "verify", "chance that a same pair scores above a different one"},
      {"eer", "verify", "error rate where false accepts and false rejects meet"},
      {"tar@far=f", "verify", "share of same pairs accepted where a share f of others is"},
      {"nmi", "cluster", "mutual information of clusters and classes / mean entropy"},
      {"ami", "cluster", "the same, with what chance gives taken off"},
      {"purity", "cluster", "share of samples of their cluster's commonest class"},
      {"pairwise_f", "cluster", "F of pairs: in one cluster, of one class"},
      {"error", "oneshot", "share of test images whose nearest training image is of another class"},
  };
  return kEntries;
}

}  // namespace kindred
