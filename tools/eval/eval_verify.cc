#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "count_bar.h"
#include "embed/embed.h"
#include "eval/eval.h"
#include "eval/verification_text.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/pair_list.h"
#include "kindred/eval/all_pairs.h"
#include "kindred/eval/report_sections.h"
#include "kindred/eval/verification.h"
#include "row_warnings.h"

namespace kindred::tools {
namespace {

constexpr Index kHistogramBins = 100;
constexpr Index kHardestShown = 16;
constexpr Index kCurvePoints = 60;
constexpr Index kDrawnPairs = 5000;  // of each kind, for a threshold

struct VerifyOptions : EvalOptions {
  std::string pairs;
  std::string data;  ///< with it the source is a model
  bool flip = false;
  std::string threshold_pairs;
  std::string threshold_split;
  std::string roc;
  bool all_pairs = false;
  Index hardest = 5;
  VerificationOptions rates;
  PageOptions page;
};

/// Pairs with their scores, and the names of their two sides where they have any.
struct ScoredPairs {
  std::vector<double> scores;
  std::vector<std::uint8_t> same;
  std::vector<std::int64_t> fold;
  PairList rows;  ///< empty for a file of pairs
  std::vector<std::string> paths;
  std::vector<std::int64_t> labels;  ///< of the rows, for the page; empty where there are none
  std::vector<std::string> class_names;
};

/// The embeddings asked for, all splits: read, or computed from a data set.
EmbeddingFile embeddings_of(const VerifyOptions& options, const Workers& workers) {
  if (options.data.empty()) return read_source(options);
  EmbedRequest request = options.embed;
  request.sources = {options.data};
  request.model = options.source.path;
  request.flip = options.flip;
  request.quiet = options.quiet;
  return embed_samples(request, workers).file;
}

ScoredPairs score(const VerifyOptions& options, const EmbeddingFile& file, PairList list,
                  const Workers& workers) {
  ScoredPairs pairs;
  pairs.rows = std::move(list);
  pairs.scores = score_pairs(workers, file.embeddings, pairs.rows.first, pairs.rows.second,
                             similarity_named(options.similarity));
  pairs.same = pairs.rows.same;
  pairs.fold = pairs.rows.fold;
  pairs.paths = file.paths;
  pairs.labels = file.labels;
  pairs.class_names = file.class_names;
  return pairs;
}

/// A group with both sides written out: embeddings_a, embeddings_b, same and, if it likes, fold.
ScoredPairs score_sides(const VerifyOptions& options, const Workers& workers) {
  const std::string& path = options.source.path;
  if (!options.source.dataset.empty() || !options.source.labels.empty()) {
    fail(ErrorKind::usage,
         fmt::format(
             "{}: has embeddings_a and embeddings_b, whose rows are the pairs; --dataset and "
             "--labels do not apply to them",
             path));
  }
  const Hdf5File file = Hdf5File::open(path);
  const auto side = [&](const std::string& name) {
    return read_embeddings({path, name, {}, {}}).embeddings;
  };
  ScoredPairs pairs;
  pairs.scores = score_pairs(workers, side("embeddings_a"), side("embeddings_b"),
                             similarity_named(options.similarity));
  pairs.same = file.read<std::uint8_t>("same");
  if (file.exists("fold")) pairs.fold = file.read<std::int64_t>("fold");
  return pairs;
}

std::string score_name(const std::string& similarity) {
  return similarity == "euclidean"       ? "minus Euclidean distance"
         : similarity == "inner_product" ? "inner product"
                                         : similarity;
}

Json describe(const ScoredPairs& pairs, const std::vector<Index>& which) {
  Json list = Json::array();
  for (const Index pair : which) {
    const auto i = static_cast<std::size_t>(pair);
    Json entry = {{"pair", pair}, {"score", pairs.scores[i]}};
    if (!pairs.rows.first.empty()) {
      const auto name = [&](Index row) -> Json {
        if (pairs.paths.empty()) return row;
        return pairs.paths[static_cast<std::size_t>(row)];
      };
      entry["first"] = name(pairs.rows.first[i]);
      entry["second"] = name(pairs.rows.second[i]);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

constexpr std::string_view kRocHeader = "threshold,false_accept_rate,true_accept_rate\n";
const FileKind kRocFile{"a ROC curve that Kindred wrote", [](const std::string& path) {
                          return beginning_of_file(path, kRocHeader.size()) == kRocHeader;
                        }};

void write_roc(const std::string& path, const ScoredPairs& pairs) {
  std::string text(kRocHeader);
  for (const RocPoint& point : roc_curve(pairs.scores, pairs.same)) {
    text +=
        fmt::format("{},{},{}\n", point.threshold, point.false_accept_rate, point.true_accept_rate);
  }
  write_file_durably(path, text);
}

DescribedPairs described(const VerifyOptions& options, const ScoredPairs& pairs) {
  return {pairs.scores,      pairs.same,       pairs.rows.first,
          pairs.rows.second, pairs.paths,      score_name(options.similarity),
          pairs.labels,      pairs.class_names};
}

void finish_page(const VerifyOptions& options, const std::optional<Dataset>& pictures,
                 const Workers& workers, Report& report) {
  report.runs.front().numbers = report.pairs->numbers;
  report.runs.front().numbers_of = report.pairs->note;
  add_pictures(pictures, workers, report);
  write_report(options.page.html, report);
}

void write_page(const VerifyOptions& options, ScoredPairs pairs, const VerificationResult& result,
                const std::optional<Dataset>& pictures, const Workers& workers) {
  if (pairs.rows.first.empty()) {  // a file of pairs: its sides are rows 0, 2, ... and 1, 3, ...
    for (Index i = 0; i < static_cast<Index>(pairs.scores.size()); ++i) {
      pairs.rows.first.push_back(2 * i);
      pairs.rows.second.push_back(2 * i + 1);
    }
  }
  Report report = page_of(options, options.source.path);
  describe_verification(described(options, pairs), result, report);
  finish_page(options, pictures, workers, report);
}

/// All pairs were counted, none kept: some are drawn to be shown.
void write_page(const VerifyOptions& options, const EmbeddingFile& file,
                const AllPairsResult& result, const std::optional<Dataset>& pictures,
                const Workers& workers) {
  std::vector<Index> rows(file.labels.size());
  std::iota(rows.begin(), rows.end(), Index{0});
  const ScoredPairs drawn =
      score(options, file, draw_pairs(file.labels, rows, kDrawnPairs, 1), workers);
  Report report = page_of(options, options.source.path);
  describe_all_pairs(described(options, drawn), result, report);
  finish_page(options, pictures, workers, report);
}

/// Says how the list was read, where that was found out.
PairList read_pairs(const VerifyOptions& options, const std::string& path,
                    const EmbeddingFile& file) {
  PairList list = read_pair_list(path, file);
  for (const std::string& text : list.notes) {
    if (!options.quiet) note(text);
  }
  return list;
}

/// The pairs a threshold is chosen on.
PairList threshold_pairs(const VerifyOptions& options, const EmbeddingFile& file) {
  if (!options.threshold_pairs.empty()) return read_pairs(options, options.threshold_pairs, file);
  const int wanted = options.threshold_split == "train" ? 0 : 1;
  std::vector<Index> rows;
  for (std::size_t i = 0; i < file.split.size(); ++i) {
    if (file.split[i] == wanted) rows.push_back(static_cast<Index>(i));
  }
  if (rows.empty() || file.labels.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: has no labelled rows of split {} to choose a threshold on",
                     options.source.path, options.threshold_split));
  }
  return draw_pairs(file.labels, rows, kDrawnPairs, 1);
}

void verify_pairs(const VerifyOptions& options) {
  const Timing timing;
  const ShownWorkers workers("comparing", options);
  const bool listed = !options.pairs.empty();
  const std::string& path = options.source.path;
  const bool arrays = path.ends_with(".npy") || path.ends_with(".npz") || path.ends_with(".csv") ||
                      path.ends_with(".tsv");
  if (!listed &&
      (arrays || !options.embed.model.empty() || !Hdf5File::open(path).exists("embeddings_a"))) {
    fail(ErrorKind::usage,
         fmt::format("eval verify: name the pairs of {} with --pairs LIST, or ask "
                     "for --all-pairs",
                     path));
  }
  const std::optional<Dataset> pictures = open_pictures(options.page);
  const EmbeddingFile file = listed ? embeddings_of(options, workers) : EmbeddingFile{};
  const ScoredPairs pairs =
      listed ? score(options, file, read_pairs(options, options.pairs, file), workers)
             : score_sides(options, workers);
  const VerificationResult result =
      evaluate_verification(pairs.scores, pairs.same, pairs.fold, options.rates);
  Json numbers = json_of(result);
  warn_of_folds(result, listed ? options.pairs : path);
  if (listed) {
    warn_of_rows(workers, file.embeddings, path, similarity_named(options.similarity), &numbers);
  }
  if (!options.threshold_pairs.empty() || !options.threshold_split.empty()) {
    const ScoredPairs chosen = score(options, file, threshold_pairs(options, file), workers);
    const VerificationResult other =
        evaluate_verification(chosen.scores, chosen.same, {}, options.rates);
    const double threshold = other.thresholds.front().value;  // threshold_best
    numbers["threshold_given"] = threshold;
    numbers["accuracy_given"] = accuracy_at(pairs.scores, pairs.same, threshold);
  }
  const HardestPairs hardest = hardest_pairs(pairs.scores, pairs.same, options.hardest);
  numbers["hardest_false_accepts"] = describe(pairs, hardest.false_accepts);
  numbers["hardest_false_rejects"] = describe(pairs, hardest.false_rejects);
  numbers["histogram"] = json_of(histogram_of(pairs.scores, pairs.same, kHistogramBins));
  if (!options.roc.empty()) write_roc(options.roc, pairs);
  timing.tell(options, numbers);
  if (!options.page.html.empty()) write_page(options, pairs, result, pictures, workers);
  if (write_json(options, numbers)) print_verification(path, result, numbers);
}

void verify_all(const VerifyOptions& options) {
  const Timing timing;
  const ShownWorkers workers("comparing", options);
  const std::optional<Dataset> pictures = open_pictures(options.page);
  const EmbeddingFile file = options.data.empty() ? read_asked(options)
                                                  : rows_of_split(embeddings_of(options, workers),
                                                                  options.split, options.data);
  AllPairsOptions how;
  how.similarity = similarity_named(options.similarity);
  how.far = options.rates.far;
  if (!options.page.html.empty()) {
    how.hardest = kHardestShown;
    how.curve = kCurvePoints;
  }
  const AllPairsResult result = verify_all_pairs(workers, file.embeddings, file.labels, how);
  Json numbers = json_of(result.verification);
  warn_of_rows(workers, file.embeddings, options.source.path, how.similarity, &numbers);
  numbers["auc_uncertainty"] = result.uncertainty;
  numbers["histogram"] = json_of(result.histogram);
  timing.tell(options, numbers);
  if (!options.page.html.empty()) write_page(options, file, result, pictures, workers);
  if (!write_json(options, numbers)) return;
  print_verification(options.source.path, result.verification, numbers);
  if (result.uncertainty > 5e-5) {
    fmt::print("  auc is within {:.1e} of its value\n", result.uncertainty);
  }
}

void verify(const VerifyOptions& options) {
  if (!options.all_pairs) return verify_pairs(options);
  if (!options.roc.empty()) {
    fail(ErrorKind::usage, "eval verify: --roc needs a list of pairs (--pairs)");
  }
  verify_all(options);
}

}  // namespace

void add_eval_verify(const Command& eval) {
  auto options = std::make_shared<VerifyOptions>();
  const Command command = add_eval_command(
      eval, "verify", "same or not: accuracy over folds, auc, eer, tar@far", *options);
  command.option("file").required();
  add_source(command, *options);
  add_model(command, *options);
  const Option pairs =
      command
          .add_option("--pairs", options->pairs,
                      "LFW's pairs.txt, CSV (FIRST,SECOND,SAME[,FOLD]) or HDF5 (/pairs, /same, "
                      "/fold)")
          .type_name("LIST")
          .reads_file();
  const Option all = command
                         .add_flag("--all-pairs", options->all_pairs,
                                   "every pair of rows; nothing is written down")
                         .excludes(pairs);
  const Option data = command
                          .add_option("--data", options->data,
                                      "EMB.h5 is a model, which embeds the images of this data set")
                          .type_name("DATA.h5")
                          .reads_file();
  command.add_flag("--flip", options->flip, "add the embeddings of the mirrored images")
      .needs(data);
  for (const char* name : {"--dataset", "--labels", "--model"}) {
    command.option(name).excludes(data);
  }
  const Option chosen_on =
      command
          .add_option("--threshold-pairs", options->threshold_pairs,
                      "choose a threshold on these pairs and report accuracy_given with it")
          .type_name("LIST")
          .reads_file()
          .needs(pairs);
  command
      .add_option("--threshold-split", options->threshold_split,
                  fmt::format("the same with {} drawn pairs of one class and {} of two among these "
                              "rows",
                              kDrawnPairs, kDrawnPairs))
      .check(one_of({"train", "validation"}))
      .needs(pairs)
      .excludes(chosen_on);
  add_split(command, *options);
  command.option("--split").needs(all);
  add_similarity(command, options->similarity);
  command.add_option("--far", options->rates.far, "list of false accept rates").delimiter(',');
  command.add_option("--hardest", options->hardest, "how many of the worst mistakes to name")
      .check(not_negative())
      .excludes(all);
  add_page(command, options->page);
  command.add_option("--roc", options->roc, "write the whole curve as CSV")
      .type_name("FILE.csv")
      .writes_file(kRocFile);
  command.footer(
      "A group with embeddings_a, embeddings_b, same and fold needs no list. Images are found in\n"
      "/paths, by path or by file name without extension.\n"
      "Example:\n  kindred eval verify lfw.h5 --pairs pairs.txt\n"
      "  kindred eval verify test.h5 --all-pairs --far 1e-3,1e-6\n"
      "  kindred eval verify runs/lfw/model.kindred --data lfw.h5 --flip --pairs lfw.h5 "
      "--threshold-split validation");
  command.callback([options] { verify(*options); });
}

}  // namespace kindred::tools
