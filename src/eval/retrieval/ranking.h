#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "eval/retrieval/rank_metrics.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/retrieval.h"

namespace kindred {

/// The metrics of each query by itself.
struct QueryMetrics {
  QueryMetrics(Index queries, Index metrics);
  void set(Index query, const RankedQuery& ranked, std::span<const RankMetric> metrics);
  /// Forgets all but the first metrics.
  void keep_first(Index metrics);
  /// What each rank has set, at all ranks: rank r those of order[i] for the i of its run. `order`
  /// has each query once.
  void gather(ProcessGroup& group, std::span<const Index> order);

  BasicMatrix<double> values;          ///< [Q, metrics]
  std::vector<std::uint8_t> answered;  ///< [Q]; 0: the gallery holds no other sample of its class
  std::vector<std::uint8_t> tied;      ///< [Q]; 1: others tie with samples of its class
};

/// Which of `count` things this process is to do.
struct OwnRun {
  Index begin;
  Index end;
};
OwnRun own_run(const RetrievalOptions& options, Index count);

/// Finds the ranks of every query's relevant samples and their metrics. Memory grows with queries
/// + gallery, never with their product. REQUIRES: counts agree, rows are finite.
QueryMetrics rank_queries(const Workers& workers, ConstMatrixView queries,
                          std::span<const std::int64_t> query_labels, ConstMatrixView gallery,
                          std::span<const std::int64_t> gallery_labels,
                          const RetrievalOptions& options, std::span<const RankMetric> metrics);

/// The same after re-ranking (eval/retrieval/rerank.h). REQUIRES: options.rerank.
QueryMetrics rank_reranked(const Workers& workers, ConstMatrixView queries,
                           std::span<const std::int64_t> query_labels, ConstMatrixView gallery,
                           std::span<const std::int64_t> gallery_labels,
                           const RetrievalOptions& options, std::span<const RankMetric> metrics);

}  // namespace kindred
