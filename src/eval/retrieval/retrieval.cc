#include "kindred/eval/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/retrieval/ranking.h"
#include "eval/scores/check_rows.h"
#include "eval/scores/class_order.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"

namespace kindred {
namespace {

void check_groups(const RetrievalOptions& options, Index queries, Index gallery) {
  if (options.query_groups.empty() && options.gallery_groups.empty()) return;
  check_count(static_cast<Index>(options.query_groups.size()), "groups", queries,
              "query embeddings");
  check_count(static_cast<Index>(options.gallery_groups.size()), "groups", gallery,
              "gallery embeddings");
}

void check_bootstrap(const RetrievalOptions& options) {
  if (options.bootstrap < 0 || options.bootstrap == 1) {
    fail(ErrorKind::usage,
         fmt::format("{} bootstrap resamples; 0 (no intervals) or at least 2", options.bootstrap));
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    fail(ErrorKind::usage, fmt::format("confidence {} is not between 0 and 1", options.confidence));
  }
}

void check_rerank(const RetrievalOptions& options, Index rows) {
  if (!options.rerank) return;
  const Rerank& how = *options.rerank;
  if (how.k1 < 1 || how.k2 < 1 || !(how.lambda >= 0 && how.lambda <= 1)) {
    fail(ErrorKind::usage,
         fmt::format("re-ranking with k1 = {}, k2 = {}, lambda = {}; k1 and k2 must be at least 1 "
                     "and lambda from 0 to 1",
                     how.k1, how.k2, how.lambda));
  }
  if (options.similarity != Similarity::cosine) {
    fail(ErrorKind::usage, "re-ranking is defined on the cosine; leave --similarity at cosine");
  }
  if (rows >= Index{1} << 32) {
    fail(ErrorKind::usage, fmt::format("{} rows are too many to re-rank", rows));
  }
}

/// Adds the metrics of a query to `sums`.
void add_query(const QueryMetrics& queries, Index query, std::vector<double>& sums) {
  const double* values = queries.values.row(query);
  for (std::size_t m = 0; m < sums.size(); ++m) sums[m] += values[m];
}

std::vector<Index> answered_queries(const QueryMetrics& queries) {
  std::vector<Index> answered;
  for (std::size_t i = 0; i < queries.answered.size(); ++i) {
    if (queries.answered[i] != 0) answered.push_back(static_cast<Index>(i));
  }
  return answered;
}

/// Means over the given queries, in their order.
std::vector<double> means(const QueryMetrics& queries, std::span<const Index> which) {
  std::vector<double> sums(static_cast<std::size_t>(queries.values.cols()));
  for (const Index query : which) add_query(queries, query, sums);
  for (double& sum : sums) sum /= static_cast<double>(which.size());
  return sums;
}

std::vector<ClassResult> class_results(const QueryMetrics& queries,
                                       std::span<const std::int64_t> labels) {
  std::vector<ClassResult> classes;
  const ClassOrder order(labels);
  for (Index p = 0; p < static_cast<Index>(labels.size());) {
    const ClassOrder::Range range = order.range(order.label(p));
    std::vector<Index> own;
    for (Index i = range.first; i < range.last; ++i) {
      const Index query = order.rows()[static_cast<std::size_t>(i)];
      if (queries.answered[static_cast<std::size_t>(query)] != 0) own.push_back(query);
    }
    if (!own.empty()) {
      classes.push_back({order.label(p), static_cast<Index>(own.size()), means(queries, own)});
    }
    p = range.last;
  }
  return classes;
}

/// The value below which a share of the sorted values lies, between its two neighbours by weight.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<MetricInterval> bootstrap(const Workers& workers, const QueryMetrics& queries,
                                      std::span<const Index> answered,
                                      std::span<const RankMetric> metrics,
                                      const RetrievalOptions& options) {
  std::vector<std::vector<double>> estimates(static_cast<std::size_t>(options.bootstrap));
  workers.for_each(options.bootstrap, [&](Index resample, int) {
    Random random(options.seed, Purpose::bootstrap, static_cast<std::uint64_t>(resample));
    std::vector<double> sums(metrics.size());
    for (std::size_t i = 0; i < answered.size(); ++i) {
      const Index drawn = random.below(static_cast<Index>(answered.size()));
      add_query(queries, answered[static_cast<std::size_t>(drawn)], sums);
    }
    estimates[static_cast<std::size_t>(resample)] = std::move(sums);
  });
  std::vector<MetricInterval> intervals;
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    std::vector<double> sorted;
    for (const std::vector<double>& sums : estimates) {
      sorted.push_back(sums[m] / static_cast<double>(answered.size()));
    }
    std::sort(sorted.begin(), sorted.end());
    const double outside = (1 - options.confidence) / 2;
    intervals.push_back(
        {metrics[m].name, quantile(sorted, outside), quantile(sorted, 1 - outside)});
  }
  return intervals;
}

/// Where the recall curve has points: 1, 2, 3, 5, 7, 10, 20, ... up to `most`.
std::vector<Index> curve_places(Index most) {
  std::vector<Index> places;
  for (Index decade = 1; decade <= most; decade *= 10) {
    for (const Index step : {1, 2, 3, 5, 7}) {
      if (decade * step <= most) places.push_back(decade * step);
    }
  }
  return places;
}

std::vector<double> per_query_values(const QueryMetrics& queries) {
  std::vector<double> values;
  for (Index i = 0; i < queries.values.rows(); ++i) {
    const bool answered = queries.answered[static_cast<std::size_t>(i)] != 0;
    for (Index m = 0; m < queries.values.cols(); ++m) {
      values.push_back(answered ? queries.values(i, m) : std::nan(""));
    }
  }
  return values;
}

}  // namespace

double RetrievalResult::operator[](const std::string& name) const {
  for (const MetricValue& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  fail(ErrorKind::usage, fmt::format("there is no metric '{}' in this result", name));
}

RetrievalResult evaluate_retrieval(const Workers& workers, ConstMatrixView queries,
                                   std::span<const std::int64_t> query_labels,
                                   ConstMatrixView gallery,
                                   std::span<const std::int64_t> gallery_labels,
                                   const RetrievalOptions& options) {
  check_sides(queries, gallery);
  check_count(static_cast<Index>(query_labels.size()), "labels", queries.rows(),
              "query embeddings");
  check_count(static_cast<Index>(gallery_labels.size()), "labels", gallery.rows(),
              "gallery embeddings");
  if (options.leave_one_out) {
    check_count(queries.rows(), "queries", gallery.rows(), "gallery embeddings");
  }
  check_groups(options, queries.rows(), gallery.rows());
  check_bootstrap(options);
  check_rerank(options, queries.rows() + gallery.rows());
  std::vector<RankMetric> metrics = rank_metrics(options);
  const std::size_t asked = metrics.size();
  const std::vector<Index> curve =
      options.per_query ? curve_places(gallery.rows()) : std::vector<Index>{};
  add_recall(metrics, curve);
  check_rows(workers, queries, "query embeddings");
  if (!options.leave_one_out) check_rows(workers, gallery, "gallery embeddings");

  QueryMetrics ranked = (options.rerank ? rank_reranked : rank_queries)(
      workers, queries, query_labels, gallery, gallery_labels, options, metrics);
  const std::vector<Index> answered = answered_queries(ranked);
  if (answered.empty() && !options.query_groups.empty()) {
    fail(ErrorKind::data,
         fmt::format("none of the {} queries has a sample of its class and of another group in the "
                     "gallery: those of its own group (--ignore-same) are passed over; leave that "
                     "out, or name other groups",
                     queries.rows()));
  }
  if (answered.empty()) {
    fail(ErrorKind::data,
         fmt::format("none of the {} queries has another sample of its class in the gallery; "
                     "retrieval needs classes with at least two samples",
                     queries.rows()));
  }

  RetrievalResult result;
  if (!curve.empty()) {
    const std::vector<double> all = means(ranked, answered);
    result.recall_curve_at = curve;
    result.recall_curve.assign(all.begin() + static_cast<std::ptrdiff_t>(asked), all.end());
    metrics.resize(asked);
    ranked.keep_first(static_cast<Index>(asked));
  }
  result.queries_used = static_cast<Index>(answered.size());
  result.queries_without_match = queries.rows() - result.queries_used;
  result.queries_with_ties = std::count(ranked.tied.begin(), ranked.tied.end(), 1);
  const std::vector<double> mean = means(ranked, answered);
  result.classes = class_results(ranked, query_labels);
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    result.metrics.push_back({metrics[m].name, mean[m]});
    double sum = 0;
    for (const ClassResult& own : result.classes) sum += own.values[m];
    result.class_means.push_back(
        {metrics[m].name, sum / static_cast<double>(result.classes.size())});
  }
  if (options.bootstrap > 0) {
    result.intervals = bootstrap(workers, ranked, answered, metrics, options);
  }
  if (options.per_query) result.per_query = per_query_values(ranked);
  return result;
}

}  // namespace kindred
