#pragma once
#include <vector>

#include "eval/report/nearest_lists.h"

namespace kindred {

/// A query worth showing: the place of its list, and why.
struct ChosenQuery {
  std::size_t list;
  const char* group;  ///< "ranks", "best", "median" or "worst"
  double value;       ///< of the metric queries are ordered by
};

/// The metric that orders queries: the most telling one there is.
std::string query_order_metric(const RetrievalResult& result);

/// `ranks` queries at even ranks by that metric, and `each` of each other group; no class twice in
/// a group where there are enough classes. Equal values in an order drawn by a fixed seed.
std::vector<ChosenQuery> choose_queries(const NearestLists& lists,
                                        std::span<const std::int64_t> labels,
                                        const RetrievalResult& result, Index ranks, Index each);

/// The recall curve, up to where it is 1.
void fill_recall_curve(const RetrievalResult& result, ReportRetrieval& retrieval);

}  // namespace kindred
