#include <fmt/format.h>
#include <pybind11/stl.h>

#include <optional>
#include <set>

#include "arrays.h"
#include "bindings.h"
#include "eval_parts.h"
#include "kindred/core/error.h"
#include "kindred/eval/clustering.h"
#include "kindred/eval/oneshot.h"
#include "kindred/eval/registry.h"
#include "kindred/eval/retrieval.h"
#include "kindred/eval/silhouette.h"
#include "shared_workers.h"

namespace kindred::python {
namespace {

py::list classes_of(const RetrievalResult& result, const std::vector<std::string>& names) {
  py::list classes;
  for (const ClassResult& own : result.classes) {
    py::dict entry;
    entry["label"] = own.label;
    const auto label = static_cast<std::size_t>(own.label);
    if (own.label >= 0 && label < names.size()) entry["name"] = names[label];
    entry["queries"] = own.queries;
    for (std::size_t m = 0; m < own.values.size(); ++m) {
      entry[py::str(result.metrics[m].name)] = own.values[m];
    }
    classes.append(entry);
  }
  return classes;
}

/// What the command line writes as JSON.
py::dict retrieval_numbers(const RetrievalResult& result) {
  py::dict numbers;
  add_metrics(result.metrics, numbers);
  numbers["queries_used"] = result.queries_used;
  numbers["queries_without_match"] = result.queries_without_match;
  numbers["queries_with_ties"] = result.queries_with_ties;
  return numbers;
}

void add_rest(const RetrievalResult& result, py::dict& numbers) {
  py::dict means;
  add_metrics(result.class_means, means);
  numbers["class_means"] = means;
  if (result.intervals.empty()) return;
  py::dict intervals;
  for (const MetricInterval& interval : result.intervals) {
    py::list ends;
    ends.append(interval.low);
    ends.append(interval.high);
    intervals[py::str(interval.name)] = ends;
  }
  numbers["intervals"] = intervals;
}

/// Two columns of labels by one rule: equal texts are one class on both sides.
struct SidesLabels {
  std::vector<std::int64_t> queries;
  std::vector<std::int64_t> gallery;
  std::vector<std::string> names;
};

SidesLabels labels_of_sides(py::handle query_labels, Index queries, py::handle gallery_labels,
                            Index gallery) {
  if (gallery_labels.is_none()) {
    fail(ErrorKind::usage, "gallery_labels: missing; the gallery needs one label a row");
  }
  const py::module_ numpy = py::module_::import("numpy");
  const py::object asked = numpy.attr("asarray")(query_labels);
  const py::object searched = numpy.attr("asarray")(gallery_labels);
  const auto length = [](const py::object& array) {
    return py::len(array.attr("shape")) == 1 ? static_cast<Index>(py::len(array)) : Index{-1};
  };
  if (length(asked) != queries) labels_of(asked, "labels", queries);  // fails
  if (length(searched) != gallery) labels_of(searched, "gallery_labels", gallery);
  Labels both = labels_of(numpy.attr("concatenate")(py::make_tuple(asked, searched)), "labels", -1);
  const auto middle = both.values.begin() + queries;
  return {{both.values.begin(), middle}, {middle, both.values.end()}, std::move(both.names)};
}

RetrievalOptions options_of(const py::dict& settings) {
  RetrievalOptions how;
  how.recall_at = settings["recall_at"].cast<std::vector<Index>>();
  how.precision_at = settings["precision_at"].cast<std::vector<Index>>();
  how.similarity = similarity_named(settings["similarity"].cast<std::string>());
  how.map = settings["map"].cast<bool>();
  how.mrr_at = settings["mrr_at"].cast<Index>();
  how.bootstrap = settings["bootstrap"].cast<Index>();
  how.confidence = settings["confidence"].cast<double>();
  how.seed = settings["seed"].cast<std::uint64_t>();
  how.per_query = settings["per_query"].cast<bool>();
  const py::object rerank = settings["rerank"];
  if (!rerank.is_none()) {
    const auto three = rerank.cast<std::vector<double>>();
    if (three.size() != 3) {
      fail(ErrorKind::usage,
           "rerank: expected three numbers k1, k2 and lambda, such as (20, 6, 0.3)");
    }
    how.rerank = Rerank{static_cast<Index>(three[0]), static_cast<Index>(three[1]),
                        static_cast<float>(three[2])};
  }
  return how;
}

/// (what the command line's JSON has, per query [Q, metrics] or None)
py::tuple retrieval(py::handle embeddings, py::handle labels, py::handle gallery,
                    py::handle gallery_labels, py::handle groups, py::handle gallery_groups,
                    const py::dict& settings, int threads) {
  RetrievalOptions how = options_of(settings);
  how.leave_one_out = gallery.is_none();
  const FloatRows queries = float_rows(embeddings, "embeddings");
  const FloatRows searched = how.leave_one_out ? queries : float_rows(gallery, "gallery");
  const Index rows = queries.view.rows();
  SidesLabels classes;
  if (how.leave_one_out) {
    Labels own = labels_of(labels, "labels", rows);
    classes = {std::move(own.values), {}, std::move(own.names)};
  } else {
    classes = labels_of_sides(labels, rows, gallery_labels, searched.view.rows());
  }
  const std::vector<std::int64_t>& classes_searched =
      how.leave_one_out ? classes.queries : classes.gallery;
  std::vector<std::int64_t> query_groups;
  std::vector<std::int64_t> searched_groups;
  if (!groups.is_none()) {
    query_groups = integers_of(groups, "groups", rows);
    if (!how.leave_one_out) {
      searched_groups = integers_of(gallery_groups, "gallery_groups", searched.view.rows());
    }
    how.query_groups = query_groups;
    how.gallery_groups = how.leave_one_out ? query_groups : searched_groups;
  }
  const Workers& workers = shared_workers(threads);
  RetrievalResult result;
  RowSummary of_queries;
  RowSummary of_gallery;
  {
    const py::gil_scoped_release released;
    result = evaluate_retrieval(workers, queries.view, classes.queries, searched.view,
                                classes_searched, how);
    of_gallery = summarise_rows(workers, searched.view);
    if (!how.leave_one_out) of_queries = summarise_rows(workers, queries.view);
  }
  py::dict numbers = retrieval_numbers(result);
  add_summary(of_gallery, how.similarity, numbers);
  if (!how.leave_one_out) {
    py::dict own;
    add_summary(of_queries, how.similarity, own);
    if (!own.empty()) numbers["queries"] = own;
  }
  add_rest(result, numbers);
  if (settings["per_class"].cast<bool>()) numbers["classes"] = classes_of(result, classes.names);
  py::object per_query = py::none();
  if (how.per_query) {
    per_query =
        numpy_array(std::move(result.per_query), {rows, static_cast<Index>(result.metrics.size())});
  }
  return py::make_tuple(numbers, per_query);
}

py::dict compared(std::span<const std::int64_t> labels, std::span<const std::int64_t> clusters) {
  py::dict numbers;
  add_metrics(compare_clusters(labels, clusters), numbers);
  numbers["samples"] = labels.size();
  numbers["classes"] = std::set<std::int64_t>(labels.begin(), labels.end()).size();
  numbers["clusters"] = std::set<std::int64_t>(clusters.begin(), clusters.end()).size();
  return numbers;
}

py::dict compare(py::handle labels, py::handle clusters) {
  const std::vector<std::int64_t> classes = labels_of(labels, "labels").values;
  const std::vector<std::int64_t> found =
      labels_of(clusters, "clusters", static_cast<Index>(classes.size())).values;
  return compared(classes, found);
}

/// (what the command line's JSON has, assignments [N], centers [clusters, D]). `clusters`: a
/// number, 0 for as many as classes, -1 for the best by silhouette.
py::tuple clustering(py::handle embeddings, py::handle labels, Index clusters,
                     const std::string& similarity, std::uint64_t seed, Index iterations,
                     int threads) {
  const FloatRows rows = float_rows(embeddings, "embeddings");
  const std::vector<std::int64_t> classes = labels_of(labels, "labels", rows.view.rows()).values;
  KMeansOptions options;
  options.similarity = similarity_named(similarity);
  options.seed = seed;
  options.iterations = iterations;
  options.clusters =
      clusters > 0
          ? clusters
          : static_cast<Index>(std::set<std::int64_t>(classes.begin(), classes.end()).size());
  const Workers& workers = shared_workers(threads);
  KMeansResult found;
  RowSummary summary;
  {
    const py::gil_scoped_release released;
    summary = summarise_rows(workers, rows.view);
    found = clusters < 0 ? cluster_by_silhouette(workers, rows.view, options)
                         : cluster_kmeans(workers, rows.view, options);
  }
  py::dict numbers = compared(classes, found.assignments);
  add_summary(summary, options.similarity, numbers);
  numbers["silhouette"] = found.silhouette;
  numbers["inertia"] = found.inertia;
  numbers["iterations"] = found.iterations;
  return py::make_tuple(numbers, numpy_array(std::move(found.assignments), {rows.view.rows()}),
                        numpy_array(std::move(found.centers)));
}

double silhouette_of_clusters(py::handle embeddings, py::handle clusters,
                              const std::string& similarity, int threads) {
  const FloatRows rows = float_rows(embeddings, "embeddings");
  const std::vector<std::int64_t> found = labels_of(clusters, "clusters", rows.view.rows()).values;
  const Workers& workers = shared_workers(threads);
  const py::gil_scoped_release released;
  return silhouette_score(workers, rows.view, found, similarity_named(similarity));
}

/// Narrows what is a column of small numbers; other values fail in the evaluation.
template <typename T>
std::vector<T> narrow(const std::vector<std::int64_t>& values, const char* name) {
  std::vector<T> narrowed;
  narrowed.reserve(values.size());
  for (const std::int64_t value : values) {
    if (value != static_cast<std::int64_t>(static_cast<T>(value))) {
      fail(ErrorKind::data, fmt::format("{}: holds {}; it is too large", name, value));
    }
    narrowed.push_back(static_cast<T>(value));
  }
  return narrowed;
}

/// `episode` and `role`, or None for episodes that are drawn.
py::dict oneshot(py::handle embeddings, py::handle labels, py::handle episode, py::handle role,
                 const std::vector<Index>& drawn, std::uint64_t seed, int threads) {
  const FloatRows rows = float_rows(embeddings, "embeddings");
  const Index count = rows.view.rows();
  const std::vector<std::int64_t> classes = labels_of(labels, "labels", count).values;
  const Workers& workers = shared_workers(threads);
  OneShotResult result;
  RowSummary summary;
  if (episode.is_none()) {
    const EpisodeOptions options{drawn.at(0), drawn.at(1), drawn.at(2), drawn.at(3), seed};
    const py::gil_scoped_release released;
    summary = summarise_rows(workers, rows.view);
    result = evaluate_episodes(workers, rows.view, classes, options);
  } else {
    const auto episodes = narrow<std::int32_t>(integers_of(episode, "episode", count), "episode");
    const auto roles = narrow<std::uint8_t>(integers_of(role, "role", count), "role");
    const py::gil_scoped_release released;
    summary = summarise_rows(workers, rows.view);
    result = evaluate_oneshot(workers, rows.view, classes, episodes, roles);
  }
  py::dict numbers;
  add_summary(summary, Similarity::cosine, numbers);
  numbers["error"] = result.error;
  numbers["error_std"] = result.error_std;
  py::list interval;
  interval.append(result.error_low);
  interval.append(result.error_high);
  numbers["error_interval"] = interval;
  numbers["wrong"] = result.wrong;
  numbers["test_images"] = result.test_images;
  numbers["episodes"] = result.episodes;
  return numbers;
}

py::list list_metrics() {
  py::list metrics;
  for (const MetricEntry& entry : metric_registry()) {
    py::dict listing;
    listing["name"] = entry.name;
    listing["command"] = entry.command;
    listing["summary"] = entry.summary;
    metrics.append(listing);
  }
  return metrics;
}

}  // namespace

Similarity similarity_named(const std::string& name) {
  if (name == "cosine") return Similarity::cosine;
  if (name == "inner_product") return Similarity::inner_product;
  if (name == "euclidean") return Similarity::euclidean;
  fail(ErrorKind::usage,
       fmt::format("similarity = '{}'; expected cosine, inner_product or euclidean", name));
}

void add_summary(const RowSummary& summary, Similarity similarity, py::dict& numbers) {
  const bool constant =
      summary.all_equal || (summary.one_direction && similarity == Similarity::cosine);
  if (summary.zeros > 0) numbers["zero_vectors"] = summary.zeros;
  if (constant) numbers["constant_embeddings"] = true;
}

void add_metrics(const std::vector<MetricValue>& metrics, py::dict& numbers) {
  for (const MetricValue& metric : metrics) numbers[py::str(metric.name)] = metric.value;
}

void bind_eval(py::module_& module) {
  module.def("list_metrics", &list_metrics, "Every metric with what it is.");
  module.def("retrieval", &retrieval, py::arg("embeddings"), py::arg("labels"), py::arg("gallery"),
             py::arg("gallery_labels"), py::arg("groups"), py::arg("gallery_groups"),
             py::arg("settings"), py::arg("threads"));
  module.def("compare_clusters", &compare, py::arg("labels"), py::arg("clusters"));
  module.def("clustering", &clustering, py::arg("embeddings"), py::arg("labels"),
             py::arg("clusters"), py::arg("similarity"), py::arg("seed"), py::arg("iterations"),
             py::arg("threads"));
  module.def("silhouette", &silhouette_of_clusters, py::arg("embeddings"), py::arg("clusters"),
             py::arg("similarity"), py::arg("threads"));
  module.def("oneshot", &oneshot, py::arg("embeddings"), py::arg("labels"), py::arg("episode"),
             py::arg("role"), py::arg("drawn"), py::arg("seed"), py::arg("threads"));
  bind_pairs(module);
}

}  // namespace kindred::python
