#include <fmt/format.h>

#include <algorithm>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/eval/oneshot.h"
#include "kindred/eval/retrieval.h"

namespace kindred::tools {
namespace {

struct EvalOptions : CommonOptions {
  std::string file;
  std::string query;
  std::string gallery;
  std::string split = "auto";
  std::string similarity = "cosine";
  std::vector<Index> recall_at;     ///< empty: the library's choice
  std::vector<Index> precision_at;  ///< empty: the library's choice
};

/// Embeddings with their labels; a view of the rows that were asked for.
struct Labelled {
  Matrix embeddings;
  std::vector<std::int64_t> labels;
};

// The rows of `split`; with "auto" those of split 2 where the file has any, else all.
Labelled rows_of(EmbeddingFile file, const std::string& split, const std::string& path) {
  if (file.labels.empty()) fail(ErrorKind::data, path + ": /labels is missing; eval needs them");
  const bool has_test = std::find(file.split.begin(), file.split.end(), 2) != file.split.end();
  if (split == "all" || (split == "auto" && !has_test)) {
    return {std::move(file.embeddings), std::move(file.labels)};
  }
  const int wanted = split == "train" ? 0 : split == "validation" ? 1 : 2;
  std::vector<Index> rows;
  for (std::size_t i = 0; i < file.split.size(); ++i) {
    if (file.split[i] == wanted) rows.push_back(static_cast<Index>(i));
  }
  if (rows.empty()) fail(ErrorKind::data, fmt::format("{}: has no rows of split {}", path, split));
  Labelled chosen{Matrix(static_cast<Index>(rows.size()), file.embeddings.cols()), {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(file.embeddings.row(rows[i]), file.embeddings.cols(),
                chosen.embeddings.row(static_cast<Index>(i)));
    chosen.labels.push_back(file.labels[static_cast<std::size_t>(rows[i])]);
  }
  return chosen;
}

Labelled read_rows(const std::string& path, const std::string& prefix, const std::string& split) {
  return rows_of(read_embedding_file(path, prefix), split, path);
}

RetrievalResult measure(const EvalOptions& options) {
  RetrievalOptions how;
  if (!options.recall_at.empty()) how.recall_at = options.recall_at;
  if (!options.precision_at.empty()) how.precision_at = options.precision_at;
  how.similarity = options.similarity == "cosine"          ? Similarity::cosine
                   : options.similarity == "inner_product" ? Similarity::inner_product
                                                           : Similarity::euclidean;
  const Workers workers(options.threads);
  const bool two_files = !options.query.empty() || !options.gallery.empty();
  if (two_files && (options.query.empty() || options.gallery.empty() || !options.file.empty())) {
    fail(ErrorKind::usage, "eval retrieval: name either one file, or both --query and --gallery");
  }
  if (!two_files && options.file.empty()) {
    fail(ErrorKind::usage, "eval retrieval: name an embedding file; see eval retrieval --help");
  }
  const bool one_group_of_two =
      !two_files && Hdf5File::open(options.file).exists("query_embeddings");
  if (!two_files && !one_group_of_two) {
    const Labelled rows = read_rows(options.file, "", options.split);
    how.leave_one_out = true;
    return evaluate_retrieval(workers, rows.embeddings, rows.labels, rows.embeddings, rows.labels,
                              how);
  }
  const Labelled queries = two_files ? read_rows(options.query, "", options.split)
                                     : read_rows(options.file, "query_", "all");
  const Labelled gallery = two_files ? read_rows(options.gallery, "", options.split)
                                     : read_rows(options.file, "gallery_", "all");
  return evaluate_retrieval(workers, queries.embeddings, queries.labels, gallery.embeddings,
                            gallery.labels, how);
}

void retrieval(const EvalOptions& options) {
  const RetrievalResult result = measure(options);
  if (write_json(options, json_of(result))) {
    print_table(result, options.file.empty() ? options.query : options.file);
  }
}

void oneshot(const EvalOptions& options) {
  const EmbeddingFile file = read_embedding_file(options.file);
  if (file.episode.empty() || file.role.empty() || file.labels.empty()) {
    fail(ErrorKind::data, options.file +
                              ": /episode, /role or /labels is missing; embed a file "
                              "of episodes such as datasets/omniglot_oneshot.h5");
  }
  const Workers workers(options.threads);
  const OneShotResult result =
      evaluate_oneshot(workers, file.embeddings.view(), file.labels, file.episode, file.role);
  Json numbers;
  numbers["error"] = result.error;
  numbers["error_std"] = result.error_std;
  numbers["wrong"] = result.wrong;
  numbers["test_images"] = result.test_images;
  numbers["episodes"] = result.episodes;
  if (write_json(options, numbers)) {
    fmt::print("{}\n  error          {:.4f} ({} of {} wrong in {} episodes, std {:.4f})\n",
               options.file, result.error, result.wrong, result.test_images, result.episodes,
               result.error_std);
  }
}

CLI::App& add(CLI::App& parent, const std::string& name, const std::string& what,
              EvalOptions& options) {
  CLI::App& command = *parent.add_subcommand(name, what);
  command.add_option("file", options.file, "embedding file, or FILE.h5:/group")
      ->type_name("EMB.h5");
  add_threads(command, options);
  add_json(command, options);
  add_quiet(command, options);
  return command;
}

}  // namespace

void add_eval(CLI::App& program) {
  CLI::App& eval = *program.add_subcommand("eval", "measure embeddings");
  eval.require_subcommand(1);
  eval.footer("Example:\n  kindred eval retrieval test.h5");

  auto options = std::make_shared<EvalOptions>();
  CLI::App& search =
      add(eval, "retrieval", "recall@k, precision@k, r_precision, map@r, map, mrr", *options);
  search.add_option("--query", options->query, "queries, instead of one file")->type_name("Q.h5");
  search.add_option("--gallery", options->gallery, "what is searched")->type_name("G.h5");
  search
      .add_option("--split", options->split,
                  "which rows (default: test where the file has such, else all)")
      ->check(CLI::IsMember({"auto", "train", "validation", "test", "all"}));
  search.add_option("--similarity", options->similarity, "how near two embeddings are")
      ->check(CLI::IsMember({"cosine", "inner_product", "euclidean"}));
  search.add_option("--recall-at", options->recall_at, "list of k")->delimiter(',');
  search.add_option("--precision-at", options->precision_at, "list of k")->delimiter(',');
  search.footer(
      "One file: each row is searched among the others.\n"
      "Example:\n  kindred eval retrieval test.h5 --recall-at 1,10,100 --json -");
  search.callback([options] { retrieval(*options); });

  auto episodes = std::make_shared<EvalOptions>();
  CLI::App& once = add(eval, "oneshot", "error on published one-shot episodes", *episodes);
  once.get_option("file")->required();
  once.footer("Example:\n  kindred eval oneshot oneshot.h5");
  once.callback([episodes] { oneshot(*episodes); });
}

}  // namespace kindred::tools
