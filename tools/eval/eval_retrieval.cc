#include <fmt/format.h>

#include <algorithm>

#include "eval/eval.h"
#include "kindred/core/error.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/eval/neighbors.h"
#include "kindred/eval/report_sections.h"
#include "kindred/eval/retrieval.h"

namespace kindred::tools {
namespace {

struct RetrievalCommand : EvalOptions {
  EmbeddingSource query;
  EmbeddingSource gallery;
  std::vector<Index> recall_at;     ///< empty: the library's choice
  std::vector<Index> precision_at;  ///< empty: the library's choice
  std::string ignore_same;
  std::vector<double> rerank;  ///< k1, k2, lambda
  bool per_class = false;
  RetrievalOptions how;
  PageOptions page;
};

/// What is searched for, and among what; `gallery` is empty where the queries are the gallery.
struct Sides {
  EmbeddingFile queries;
  EmbeddingFile gallery;
  bool leave_one_out = false;
};

bool is_hdf5_with(const std::string& path, const char* name) {
  const bool hdf5 = path.find(":/") != path.npos || is_hdf5_file(path);  // else arrays or a list
  return hdf5 && Hdf5File::open(path).exists(name);
}

EmbeddingFile read_side(const RetrievalCommand& options, EmbeddingSource source) {
  EvalOptions asked = options;
  if (!options.ignore_same.empty()) source.groups = options.ignore_same;
  if (source.dataset.empty()) source.dataset = options.source.dataset;
  if (source.labels.empty() && !source.path.ends_with(".npy")) {
    source.labels = options.source.labels;
  }
  asked.source = source;
  return read_asked(asked);
}

Sides read_sides(const RetrievalCommand& options) {
  const bool two_files = !options.query.path.empty() || !options.gallery.path.empty();
  const std::string& path = options.source.path;
  if (two_files && (options.query.path.empty() || options.gallery.path.empty() || !path.empty())) {
    fail(ErrorKind::usage, "eval retrieval: name either one file, or both --query and --gallery");
  }
  if (!two_files && path.empty()) {
    fail(ErrorKind::usage, "eval retrieval: name an embedding file; see eval retrieval --help");
  }
  if (two_files) {
    return {read_side(options, options.query), read_side(options, options.gallery), false};
  }
  if (is_hdf5_with(path, "query_embeddings")) {
    return {read_embedding_file(path, "query_"), read_embedding_file(path, "gallery_"), false};
  }
  return {read_side(options, options.source), {}, true};
}

Json intervals_of(const RetrievalResult& result) {
  Json numbers;
  for (const MetricInterval& interval : result.intervals) {
    numbers[interval.name] = {interval.low, interval.high};
  }
  return numbers;
}

Json classes_of(const RetrievalResult& result, const std::vector<std::string>& names) {
  Json classes = Json::array();
  for (const ClassResult& own : result.classes) {
    Json entry = {{"label", own.label}};
    const auto label = static_cast<std::size_t>(own.label);
    if (own.label >= 0 && label < names.size()) entry["name"] = names[label];
    entry["queries"] = own.queries;
    for (std::size_t m = 0; m < own.values.size(); ++m) {
      entry[result.metrics[m].name] = own.values[m];
    }
    classes.push_back(std::move(entry));
  }
  return classes;
}

void print(const RetrievalResult& result, const RetrievalCommand& options, const Json& numbers) {
  print_table(result, options.source.path.empty() ? options.query.path : options.source.path);
  if (options.how.bootstrap > 0) {
    fmt::print("  {:.0f} % intervals of {} resamples\n", options.how.confidence * 100,
               options.how.bootstrap);
    for (const MetricInterval& interval : result.intervals) {
      fmt::print("  {:<14} {:.4f} to {:.4f}\n", interval.name, interval.low, interval.high);
    }
  }
  if (!options.per_class) return;
  fmt::print("  classes by {}, worst first\n", result.metrics[0].name);
  Json classes = numbers["classes"];
  std::stable_sort(classes.begin(), classes.end(), [&](const Json& a, const Json& b) {
    return a[result.metrics[0].name].get<double>() < b[result.metrics[0].name].get<double>();
  });
  for (const Json& own : classes) {
    fmt::print("  {:.4f}  map@r {:.4f}  {:>5} queries  {}\n",
               own[result.metrics[0].name].get<double>(), own["map@r"].get<double>(),
               own["queries"].get<Index>(),
               own.contains("name") ? printable(own["name"].get<std::string>())
                                    : "label " + json_text(own["label"]));
  }
}

void write_page(const RetrievalCommand& options, const Sides& sides, const RetrievalOptions& how,
                const RetrievalResult& result, const Workers& workers) {
  const auto rows = [](const EmbeddingFile& file) {
    return DescribedRows{file.embeddings, file.labels, file.paths};
  };
  Report report = page_of(options, sides.leave_one_out ? options.source.path : options.query.path);
  report.runs.front().numbers = report_numbers(result);
  report.runs.front().numbers_of = fmt::format("{} queries", result.queries_used);
  const EmbeddingFile& gallery = sides.leave_one_out ? sides.queries : sides.gallery;
  describe_retrieval(workers, rows(sides.queries), rows(gallery), how, result,
                     sides.queries.class_names, report);
  if (how.rerank) {
    report.notes = {"The numbers are after re-ranking; neighbours are shown as they were before."};
  }
  add_pictures(options.page.pictures, workers, report);
  write_report(options.page.html, report);
}

/// A file of ann-benchmarks: how many of its exact neighbours our search finds.
void compare_neighbors(const RetrievalCommand& options) {
  const std::string& path = options.source.path;
  const Hdf5File file = Hdf5File::open(path);
  const Timing timing;
  std::string similarity = options.similarity;
  if (file.has_attribute("", "distance")) {
    const std::string distance = file.attribute_text("", "distance");
    similarity = distance == "angular" || distance == "cosine" ? "cosine"
                 : distance == "dot" || distance == "ip"       ? "inner_product"
                                                               : distance;
    if (similarity != "cosine" && similarity != "inner_product" && similarity != "euclidean") {
      fail(ErrorKind::data,
           fmt::format("{}: distance '{}' is not one of euclidean, angular, dot", path, distance));
    }
  }
  const Matrix queries = read_embeddings({path, "test", {}, {}}).embeddings;
  const Matrix gallery = read_embeddings({path, "train", {}, {}}).embeddings;
  const std::vector<Index> shape = file.shape("neighbors");
  if (shape.size() != 2 || shape[0] != queries.rows() || shape[1] < 1) {
    fail(ErrorKind::data,
         fmt::format("{} has shape [{}]; [{}, k] is expected", file.where("neighbors"),
                     fmt::join(shape, ", "), queries.rows()));
  }
  const std::vector<std::int64_t> values = file.read<std::int64_t>("neighbors");
  BasicMatrix<std::int64_t> expected(shape[0], shape[1]);
  for (Index i = 0; i < shape[0]; ++i) {
    std::copy_n(values.data() + i * shape[1], shape[1], expected.row(i));
  }
  const Index most = std::min(shape[1], gallery.rows());
  const Workers workers(options.threads);
  const Neighbors found =
      find_neighbors(workers, queries, gallery, most, similarity_named(similarity));
  Json numbers;
  const std::vector<Index> asked =
      options.recall_at.empty() ? std::vector<Index>{1, 10, 100} : options.recall_at;
  for (const Index k : asked) {
    if (k < 1 || k > most) continue;
    numbers[fmt::format("neighbor_recall@{}", k)] = neighbor_recall(found.index, expected, k);
  }
  numbers["similarity"] = similarity;
  numbers["queries_used"] = queries.rows();
  numbers["gallery"] = gallery.rows();
  timing.tell(options, numbers);
  if (!write_json(options, numbers)) return;
  fmt::print("{}: our exact search against the neighbours in the file, by {}\n", path, similarity);
  for (const auto& [name, value] : numbers.items()) {
    if (value.is_number_float() && name != "seconds") {
      fmt::print("  {:<20} {:.4f}\n", name, value.get<double>());
    }
  }
}

void retrieval(const RetrievalCommand& options) {
  const std::string& path = options.source.path;
  if (!path.empty() && options.source.dataset.empty() && is_hdf5_with(path, "neighbors") &&
      is_hdf5_with(path, "train") && is_hdf5_with(path, "test")) {
    return compare_neighbors(options);
  }
  const Timing timing;
  const Sides sides = read_sides(options);
  const EmbeddingFile& gallery = sides.leave_one_out ? sides.queries : sides.gallery;
  RetrievalOptions how = options.how;
  how.leave_one_out = sides.leave_one_out;
  how.similarity = similarity_named(options.similarity);
  if (!options.recall_at.empty()) how.recall_at = options.recall_at;
  if (!options.precision_at.empty()) how.precision_at = options.precision_at;
  if (!options.rerank.empty()) {
    how.rerank =
        Rerank{static_cast<Index>(options.rerank[0]), static_cast<Index>(options.rerank[1]),
               static_cast<float>(options.rerank[2])};
  }
  if (!options.ignore_same.empty()) {
    how.query_groups = sides.queries.groups;
    how.gallery_groups = gallery.groups;
  }
  how.per_query = !options.page.html.empty();
  const Workers workers(options.threads);
  const RetrievalResult result =
      evaluate_retrieval(workers, sides.queries.embeddings, sides.queries.labels,
                         gallery.embeddings, gallery.labels, how);
  Json numbers = json_of(result);
  for (const MetricValue& metric : result.class_means) {
    numbers["class_means"][metric.name] = metric.value;
  }
  if (how.bootstrap > 0) numbers["intervals"] = intervals_of(result);
  if (options.per_class) numbers["classes"] = classes_of(result, sides.queries.class_names);
  timing.tell(options, numbers);
  if (!options.page.html.empty()) write_page(options, sides, how, result, workers);
  if (write_json(options, numbers)) print(result, options, numbers);
}

}  // namespace

void add_eval_retrieval(const Command& eval) {
  auto options = std::make_shared<RetrievalCommand>();
  const Command command = add_eval_command(
      eval, "retrieval", "recall@k, precision@k, r_precision, map@r, map, mrr", *options);
  command.add_option("--query", options->query.path, "queries, instead of one file")
      .type_name("Q.h5")
      .reads_file();
  command.add_option("--gallery", options->gallery.path, "what is searched")
      .type_name("G.h5")
      .reads_file();
  add_source(command, *options);
  command
      .add_option("--query-labels", options->query.labels, "labels of --query (default: --labels)")
      .type_name("/PATH")
      .reads_file(".npy");
  command
      .add_option("--gallery-labels", options->gallery.labels,
                  "labels of --gallery (default: --labels)")
      .type_name("/PATH")
      .reads_file(".npy");
  add_split(command, *options);
  add_similarity(command, options->similarity);
  command.add_option("--recall-at", options->recall_at, "list of k").delimiter(',');
  command.add_option("--precision-at", options->precision_at, "list of k").delimiter(',');
  command.add_flag("!--no-map", options->how.map,
                   "leave out map, which needs the whole ranking: faster with large classes");
  command
      .add_option("--ignore-same", options->ignore_same,
                  "pass over samples of the query's class and group: data set of groups [N] "
                  "(/groups: the camera, say)")
      .type_name("/PATH");
  command
      .add_option("--rerank", options->rerank,
                  "k-reciprocal re-ranking (Zhong et al. 2017), usually 20,6,0.3")
      .type_name("K1,K2,LAMBDA")
      .delimiter(',')
      .expected(3);
  command.add_flag("--per-class", options->per_class, "the metrics of every class");
  command
      .add_option("--bootstrap", options->how.bootstrap,
                  "intervals from so many resamples of the queries (1000 is usual)")
      .type_name("N");
  command.add_option("--confidence", options->how.confidence, "what the intervals cover")
      .show_default();
  command.add_option("--seed", options->how.seed, "of the resamples");
  add_page(command, options->page);
  command.footer(
      "One file: each row is searched among the others. A file of ann-benchmarks (train, test,\n"
      "neighbors): how many of its neighbours our search finds.\n"
      "Example:\n  kindred eval retrieval test.h5 --recall-at 1,10,100 --json -\n"
      "  kindred eval retrieval theirs.npy --labels labels.npy\n"
      "  kindred eval retrieval --query q.h5 --gallery g.h5 --ignore-same /groups");
  command.callback([options] { retrieval(*options); });
}

}  // namespace kindred::tools
