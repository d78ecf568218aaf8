#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "count_bar.h"
#include "eval/eval.h"
#include "kindred/core/cpu.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/eval/neighbors.h"
#include "kindred/eval/report_sections.h"
#include "kindred/eval/retrieval.h"
#include "row_warnings.h"
#include "together.h"

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
  bool similarity_given = false;
  std::vector<std::string> not_for_neighbors;  ///< given, but nothing to a file of neighbours
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
  if (source.labels.empty()) source.labels = options.source.labels;
  asked.source = source;
  return read_asked(asked);
}

/// Both sides stand in one file, with all that belongs to them.
void refuse_names(const RetrievalCommand& options) {
  const bool other_groups = !options.ignore_same.empty() && options.ignore_same != "groups" &&
                            options.ignore_same != "/groups";
  if (options.source.labels.empty() && options.split == "auto" && !other_groups) return;
  fail(ErrorKind::usage,
       fmt::format("{}: has query_embeddings and gallery_embeddings, whose labels and groups are "
                   "query_labels, gallery_labels, query_groups, gallery_groups; leave out --labels "
                   "and --split, and name no groups but --ignore-same /groups",
                   options.source.path));
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
    // Each rank embeds all: the second side's reading processes would be started after it joined.
    RetrievalCommand alone = options;
    alone.group = nullptr;
    Sides sides{read_side(alone, options.query), read_side(alone, options.gallery), false};
    warn_of_models(sides.queries, options.query.path, sides.gallery, options.gallery.path);
    return sides;
  }
  if (is_hdf5_with(path, "query_embeddings") && options.source.dataset.empty()) {
    refuse_names(options);
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
                const RetrievalResult& result, const std::optional<Dataset>& pictures,
                const Workers& workers) {
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
  add_pictures(pictures, workers, report);
  write_report(options.page.html, report);
}

/// What the file says its neighbours are by, unless --similarity says otherwise.
std::string similarity_of(const RetrievalCommand& options, const Hdf5File& file) {
  const std::string& path = options.source.path;
  std::string own;
  if (file.has_attribute("", "distance")) {
    const std::string distance = file.attribute_text("", "distance");
    own = distance == "angular" || distance == "cosine" ? "cosine"
          : distance == "dot" || distance == "ip"       ? "inner_product"
          : distance == "euclidean"                     ? distance
                                                        : "";
    if (own.empty() && !options.similarity_given) {
      fail(ErrorKind::data, fmt::format("{}: distance '{}' is not one of euclidean, angular, dot; "
                                        "name it with --similarity",
                                        path, distance));
    }
  }
  if (options.similarity_given) {
    if (!own.empty() && own != options.similarity) {
      note(
          fmt::format("warning: {}: its neighbours are by {}, the search is by {} as --similarity "
                      "asks",
                      path, own, options.similarity));
    }
    return options.similarity;
  }
  if (own.empty()) {
    note(
        fmt::format("{}: does not say what its neighbours are by (attribute distance); the cosine "
                    "is taken, see --similarity",
                    path));
    return options.similarity;
  }
  return own;
}

/// A file of ann-benchmarks: how many of its exact neighbours our search finds.
void compare_neighbors(const RetrievalCommand& options) {
  const std::string& path = options.source.path;
  const Hdf5File file = Hdf5File::open(path);
  const Timing timing;
  if (!options.not_for_neighbors.empty()) {
    fail(
        ErrorKind::usage,
        fmt::format("{}: is a file of ann-benchmarks, whose list of neighbours is checked; {} does "
                    "not apply to it",
                    path, fmt::join(options.not_for_neighbors, ", ")));
  }
  const std::string similarity = similarity_of(options, file);
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
  const ShownWorkers workers("ranking", options);
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

/// Fails with data, at all ranks, where one of them has other rows.
void check_alike(ProcessGroup& group, const Sides& sides) {
  group.join();
  std::string mine = fmt::format("level {}", name_of(isa()));
  for (const EmbeddingFile* file : {&sides.queries, &sides.gallery}) {
    const Matrix& rows = file->embeddings;
    const std::span numbers(rows.data(), static_cast<std::size_t>(rows.rows() * rows.stride()));
    const std::span labels(file->labels);
    const std::span groups(file->groups);
    const std::array<std::span<const std::byte>, 3> parts{
        std::as_bytes(numbers), std::as_bytes(labels), std::as_bytes(groups)};
    mine += fmt::format(", {} rows ({})", rows.rows(), hex(checksum(parts)));
  }
  group.expect_alike(mine, kSameFiles);
}

void retrieval(RetrievalCommand options, ProcessGroup& group) {
  options.group = &group;
  const std::string& path = options.source.path;
  if (!path.empty() && options.source.dataset.empty() && is_hdf5_with(path, "neighbors") &&
      is_hdf5_with(path, "train") && is_hdf5_with(path, "test")) {
    if (group.rank() == 0) compare_neighbors(options);
    return;
  }
  const Timing timing;
  const std::optional<Dataset> pictures = open_pictures(options.page);
  const Sides sides = read_sides(options);
  if (group.size() > 1) check_alike(group, sides);
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
  how.group = &group;
  const ShownWorkers workers("ranking", options);
  const RetrievalResult result =
      evaluate_retrieval(workers, sides.queries.embeddings, sides.queries.labels,
                         gallery.embeddings, gallery.labels, how);
  if (group.rank() != 0) return;
  Json numbers = json_of(result);
  warn_of_rows(workers, gallery.embeddings,
               sides.leave_one_out || options.gallery.path.empty() ? path : options.gallery.path,
               how.similarity, &numbers);
  if (!sides.leave_one_out) {
    Json of_queries;
    warn_of_rows(workers, sides.queries.embeddings,
                 options.query.path.empty() ? path : options.query.path, how.similarity,
                 &of_queries);
    if (!of_queries.is_null()) numbers["queries"] = std::move(of_queries);
  }
  for (const MetricValue& metric : result.class_means) {
    numbers["class_means"][metric.name] = metric.value;
  }
  if (how.bootstrap > 0) numbers["intervals"] = intervals_of(result);
  if (options.per_class) numbers["classes"] = classes_of(result, sides.queries.class_names);
  timing.tell(options, numbers);
  if (!options.page.html.empty()) write_page(options, sides, how, result, pictures, workers);
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
  add_model(command, *options);
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
  const Option similarity = add_similarity(command, options->similarity);
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
      "Where samples tie, a metric is its mean over all orders of the tied.\n"
      "mpirun -n R kindred eval retrieval: R processes, each of which ranks its part of\n"
      "the queries.\n"
      "Example:\n  kindred eval retrieval test.h5 --recall-at 1,10,100 --json -\n"
      "  kindred eval retrieval theirs.npy --labels labels.npy\n"
      "  kindred eval retrieval --query q.h5 --gallery g.h5 --ignore-same /groups");
  std::vector<std::pair<std::string, Option>>
      of_labels;  // what a file of neighbours has no use for
  for (const char* name : {"--labels", "--split", "--precision-at", "--no-map", "--ignore-same",
                           "--rerank", "--per-class", "--bootstrap", "--html"}) {
    of_labels.emplace_back(name, command.option(name));
  }
  command.callback([options, similarity, of_labels] {
    options->similarity_given = similarity.count() > 0;
    for (const auto& [name, option] : of_labels) {
      if (option.count() > 0) options->not_for_neighbors.push_back(name);
    }
    together([&](ProcessGroup& group) { retrieval(*options, group); });
  });
}

}  // namespace kindred::tools
