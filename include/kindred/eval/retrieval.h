#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/core/process_group.h"
#include "kindred/eval/metric.h"

namespace KINDRED_API kindred {

/// k-reciprocal re-ranking (Zhong et al. 2017); k1 and k2 are at least 1, lambda in [0, 1].
struct Rerank {
  Index k1 = 20;        ///< neighbours that may be reciprocal
  Index k2 = 6;         ///< rows a sample's encoding is averaged over; 1: only its own
  float lambda = 0.3F;  ///< weight of the distance itself; 1: no re-ranking
};

struct RetrievalOptions {
  std::vector<Index> recall_at = {1, 2, 4, 8};
  std::vector<Index> precision_at = {1, 5, 10};
  Similarity similarity = Similarity::cosine;
  bool leave_one_out = false;  ///< queries are the gallery: a query is never its own neighbour
  bool map = true;             ///< needs the whole ranking; without it hard sets are faster
  Index mrr_at = 0;            ///< mrr counts a first rank beyond this as 0; 0: it counts all
  /// One for each query and gallery sample, or both empty. A gallery sample of the query's class
  /// and the query's group is passed over: another picture by the same camera proves nothing.
  std::span<const std::int64_t> query_groups = {};
  std::span<const std::int64_t> gallery_groups = {};
  /// Ranks by this instead; with cosine similarity only. Memory grows with k1 k2 a sample.
  std::optional<Rerank> rerank = std::nullopt;
  Index bootstrap = 0;       ///< resamples of the queries for intervals (1000 is usual); 0: none
  double confidence = 0.95;  ///< share of resamples that an interval covers
  std::uint64_t seed = 1;    ///< of the resamples
  bool per_query = false;    ///< keep RetrievalResult::per_query
  /// Ranks that evaluate the same together, each a run of the queries: all have the result, which
  /// is that of one process; nullptr: this process alone. REQUIRES: it has been joined.
  ProcessGroup* group = nullptr;
};

/// Where a metric lies when queries are drawn anew, with replacement: percentiles of the means.
struct MetricInterval {
  std::string name;
  double low = 0;
  double high = 0;
};

/// The means over one class's queries, in the order of RetrievalResult::metrics.
struct ClassResult {
  std::int64_t label = 0;
  Index queries = 0;  ///< answered ones; classes without any are left out
  std::vector<double> values;
};

struct RetrievalResult {
  std::vector<MetricValue>
      metrics;  ///< recall@k..., precision@k..., r_precision, map@r, [map], mrr
  std::vector<MetricValue> class_means;   ///< the same, as the mean over classes of their means
  std::vector<MetricInterval> intervals;  ///< of `metrics`; empty without bootstrap
  std::vector<ClassResult> classes;       ///< by label
  std::vector<double> per_query;  ///< [Q, metrics], NaN where a query has no match; see options
  std::vector<Index> recall_curve_at;  ///< with per_query: 1, 2, 3, 5, 7, 10, 20, ...
  std::vector<double> recall_curve;    ///< recall at these
  Index queries_used = 0;
  Index queries_without_match = 0;
  /// Used ones in which samples of other classes tie with samples of the query's, at a place that a
  /// metric looks at: their metrics are expected values.
  Index queries_with_ties = 0;
  double operator[](const std::string& name) const;
};

/// Definitions: Musgrave et al. 2020 and the field's usual ones; neighbours by falling score.
/// Scores are float64's of rows that count as exact, as find_neighbors' are. Where scores tie (on a
/// grid of 2^-43; inner products: of |q| |g|; Euclidean: of the squared distance), a metric is its
/// expected value over a random order of the tied: rows that are all equal are no better than
/// chance. Counts ranks instead of sorting; memory does not grow with queries x gallery. queries
/// [Q, D], gallery [G, D]. Fails with data on counts that disagree, NaN, no answerable query, an
/// interval that cannot be.
RetrievalResult evaluate_retrieval(const Workers& workers, ConstMatrixView queries,
                                   std::span<const std::int64_t> query_labels,
                                   ConstMatrixView gallery,
                                   std::span<const std::int64_t> gallery_labels,
                                   const RetrievalOptions& options);

}  // namespace kindred
