#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

namespace kindred {

enum class Similarity { cosine, inner_product, euclidean };

struct RetrievalOptions {
  std::vector<Index> recall_at = {1, 2, 4, 8};
  std::vector<Index> precision_at = {1, 5, 10};
  Similarity similarity = Similarity::cosine;
  bool leave_one_out = false;  ///< queries are the gallery: a query is never its own neighbour
  bool map = true;             ///< needs the whole ranking; without it hard sets are faster
};

struct MetricValue {
  std::string name;  ///< as in JSON: "recall@1", "map@r"
  double value = 0;
};

struct RetrievalResult {
  std::vector<MetricValue>
      metrics;  ///< recall@k..., precision@k..., r_precision, map@r, [map], mrr
  Index queries_used = 0;
  Index queries_without_match = 0;
  double operator[](const std::string& name) const;
};

/// Definitions: Musgrave et al. 2020 and the field's usual ones; neighbours by falling score, ties
/// to the lower index. Counts ranks instead of sorting; memory does not grow with queries x
/// gallery. queries [Q, D], gallery [G, D]. Fails with data on counts that disagree, NaN, no
/// answerable query.
RetrievalResult evaluate_retrieval(const Workers& workers, ConstMatrixView queries,
                                   std::span<const std::int64_t> query_labels,
                                   ConstMatrixView gallery,
                                   std::span<const std::int64_t> gallery_labels,
                                   const RetrievalOptions& options);

}  // namespace kindred
