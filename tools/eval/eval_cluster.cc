#include <fmt/format.h>

#include <set>

#include "count_bar.h"
#include "eval/eval.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/data/npy_file.h"
#include "kindred/eval/clustering.h"
#include "row_warnings.h"

namespace kindred::tools {
namespace {

struct ClusterOptions : EvalOptions {
  std::string assignments;  ///< data set of clusters that somebody else made
  std::string out;
  std::string clusters;  ///< a number, "auto", or empty: as many as classes
  KMeansOptions kmeans;
};

struct Clusters {
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> assignments;
  Json how;
};

Clusters read_clusters(const ClusterOptions& options) {
  if (options.split != "auto" || !options.source.dataset.empty()) {
    fail(ErrorKind::usage,
         fmt::format("{}: clusters that were made elsewhere are compared as they are; --split and "
                     "--dataset do not apply to them",
                     options.source.path));
  }
  const Hdf5File file = Hdf5File::open(options.source.path);
  const std::string name = options.assignments.empty() ? "clusters" : options.assignments;
  const std::string labels = options.source.labels.empty() ? "labels" : options.source.labels;
  const bool numpy = labels.ends_with(".npy");
  for (const std::string& needed : {name, labels}) {
    if (!(numpy && needed == labels) && !file.is_dataset(needed)) {
      fail(ErrorKind::data, file.where(needed) + " is missing");
    }
  }
  return {numpy ? read_npy_integers(labels) : file.read<std::int64_t>(labels),
          file.read<std::int64_t>(name),
          {}};
}

Clusters make_clusters(const ClusterOptions& options) {
  EmbeddingFile file = read_asked(options);
  KMeansOptions kmeans = options.kmeans;
  kmeans.similarity = similarity_named(options.similarity);
  const ShownWorkers workers("clustering", options);
  Json how;
  warn_of_rows(workers, file.embeddings, options.source.path, kmeans.similarity, &how);
  if (options.clusters.empty()) {
    kmeans.clusters =
        static_cast<Index>(std::set<std::int64_t>(file.labels.begin(), file.labels.end()).size());
  } else if (options.clusters != "auto") {
    kmeans.clusters = std::stoll(options.clusters);
  }
  KMeansResult found = options.clusters == "auto"
                           ? cluster_by_silhouette(workers, file.embeddings, kmeans)
                           : cluster_kmeans(workers, file.embeddings, kmeans);
  Clusters clusters{std::move(file.labels), std::move(found.assignments), std::move(how)};
  clusters.how["silhouette"] = found.silhouette;
  clusters.how["inertia"] = found.inertia;
  clusters.how["iterations"] = found.iterations;
  return clusters;
}

void write_clusters(const std::string& path, const Clusters& clusters) {
  Hdf5Writer writer(path);
  const std::vector<Index> shape = {static_cast<Index>(clusters.labels.size())};
  writer.write<std::int64_t>("labels", shape, clusters.labels);
  writer.write<std::int64_t>("clusters", shape, clusters.assignments);
  writer.finish();
}

bool has_clusters_only(const ClusterOptions& options) {
  if (!options.assignments.empty()) return true;
  const std::string& path = options.source.path;
  const bool hdf5 = path.find(":/") != path.npos || is_hdf5_file(path);  // else arrays or a list
  if (!hdf5 || !options.source.dataset.empty()) return false;
  const Hdf5File file = Hdf5File::open(path);
  return !file.exists("embeddings") && file.is_dataset("clusters");
}

void cluster(const ClusterOptions& options) {
  const Timing timing;
  const Clusters clusters =
      has_clusters_only(options) ? read_clusters(options) : make_clusters(options);
  const std::vector<MetricValue> metrics = compare_clusters(clusters.labels, clusters.assignments);
  if (!options.out.empty()) write_clusters(options.out, clusters);
  Json numbers;
  for (const MetricValue& metric : metrics) numbers[metric.name] = metric.value;
  numbers["samples"] = clusters.labels.size();
  numbers["classes"] =
      std::set<std::int64_t>(clusters.labels.begin(), clusters.labels.end()).size();
  numbers["clusters"] =
      std::set<std::int64_t>(clusters.assignments.begin(), clusters.assignments.end()).size();
  if (!clusters.how.is_null()) numbers.update(clusters.how);
  timing.tell(options, numbers);
  if (!write_json(options, numbers)) return;
  fmt::print("{}\n", printable(options.source.path));
  for (const MetricValue& metric : metrics) {
    fmt::print("  {:<14} {:.4f}\n", metric.name, metric.value);
  }
  fmt::print("  {} samples of {} classes in {} clusters\n", json_text(numbers["samples"]),
             json_text(numbers["classes"]), json_text(numbers["clusters"]));
}

}  // namespace

void add_eval_cluster(const Command& eval) {
  auto options = std::make_shared<ClusterOptions>();
  const Command command = add_eval_command(
      eval, "cluster", "k-means, and how well the clusters agree with the classes", *options);
  command.option("file").required();
  add_source(command, *options);
  add_model(command, *options);
  add_split(command, *options);
  const Option assignments =
      command
          .add_option("--assignments", options->assignments,
                      "data set [N] of clusters made elsewhere, instead of k-means")
          .type_name("/PATH");
  command
      .add_option("--k", options->clusters,
                  "clusters; auto: the best of 2, 3, 4, 6, 8, ... by silhouette (default: as many "
                  "as classes)")
      .check(range_or(1, Index{1} << 40, "auto"))
      .excludes(assignments);
  command.add_option("--seed", options->kmeans.seed, "of the k-means++ start")
      .excludes(assignments);
  command.add_option("--iterations", options->kmeans.iterations, "at most")
      .check(positive())
      .show_default()
      .excludes(assignments);
  command.add_option("--similarity", options->similarity, "cosine: of unit embeddings")
      .check(one_of({"cosine", "euclidean"}))
      .excludes(assignments);
  command.add_option("--out", options->out, "writes /labels and /clusters")
      .type_name("C.h5")
      .writes_file(kClustersFile);
  command.footer(
      "Example:\n  kindred eval cluster test.h5\n"
      "  kindred eval cluster theirs.h5 --assignments /clusters");
  command.callback([options] { cluster(*options); });
}

}  // namespace kindred::tools
