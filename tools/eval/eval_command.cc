#include <fmt/format.h>

#include <algorithm>

#include "eval/eval.h"
#include "kindred/core/error.h"

namespace kindred::tools {
Command add_eval_command(const Command& eval, const std::string& name, const std::string& what,
                         EvalOptions& options) {
  const Command command = eval.add_command(name, what);
  command
      .add_option("file", options.source.path,
                  "embedding file, FILE.h5:/group, or FILE.npy, .npz, .csv, .tsv")
      .type_name("EMB.h5")
      .reads_file();
  add_threads(command, options);
  add_json(command, options);
  add_quiet(command, options);
  command.add_flag("--timing", options.timing, "put the seconds that it took into the JSON");
  return command;
}

void add_source(const Command& command, EvalOptions& options) {
  command
      .add_option("--dataset", options.source.dataset,
                  "data set [N, D] of any HDF5 file (default: /embeddings)")
      .type_name("/PATH");
  command
      .add_option("--labels", options.source.labels,
                  "its labels [N] (default: /labels), a .npy file of them, or a column of a list")
      .type_name("/PATH")
      .reads_file(".npy");
}

void add_model(const Command& command, EvalOptions& options) {
  const Option model =
      command
          .add_option("--model", options.embed.model,
                      "what is named is no embeddings: this model embeds it first, a data set or "
                      "pictures (a folder of class folders, an archive, a list)")
          .type_name("MODEL")
          .reads_file();
  for (const char* name : {"--dataset", "--labels"}) command.option(name).excludes(model);
  add_picture_options(command, options.embed.pictures);
  for (const char* name : {"--boxes", "--landmarks", "--strict"}) command.option(name).needs(model);
}

void add_split(const Command& command, EvalOptions& options) {
  command
      .add_option("--split", options.split,
                  "which rows (default: test where the file has such, else all)")
      .check(one_of({"auto", "train", "validation", "test", "all"}));
}

EmbeddingFile rows_of_split(EmbeddingFile file, const std::string& split, const std::string& path) {
  const bool has_test = std::find(file.split.begin(), file.split.end(), 2) != file.split.end();
  if (split == "all" || (split == "auto" && !has_test)) return file;
  const int wanted = split == "train" ? 0 : split == "validation" ? 1 : 2;
  std::vector<Index> rows;
  for (std::size_t i = 0; i < file.split.size(); ++i) {
    if (file.split[i] == wanted) rows.push_back(static_cast<Index>(i));
  }
  if (rows.empty()) fail(ErrorKind::data, fmt::format("{}: has no rows of split {}", path, split));
  EmbeddingFile chosen{file.of(rows), {}, std::move(file.fingerprint)};
  chosen.embeddings = Matrix(static_cast<Index>(rows.size()), file.embeddings.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(file.embeddings.row(rows[i]), file.embeddings.cols(),
                chosen.embeddings.row(static_cast<Index>(i)));
  }
  return chosen;
}

namespace {

EmbeddingFile embedded(const EvalOptions& options) {
  EmbedRequest request = options.embed;
  request.sources = {options.source.path};
  request.quiet = options.quiet;
  return embed_samples(request, Workers(options.threads), options.group).file;
}

}  // namespace

EmbeddingFile read_source(const EvalOptions& options) {
  return options.embed.model.empty() ? read_embeddings(options.source) : embedded(options);
}

EmbeddingFile read_asked(const EvalOptions& options, bool labels_needed) {
  const std::string& path = options.source.path;
  EmbeddingFile all = read_source(options);
  for (const std::string& text : all.notes) {
    if (!options.quiet) note(text);
  }
  EmbeddingFile file = rows_of_split(std::move(all), options.split, path);
  if (labels_needed && file.labels.empty()) {
    fail(ErrorKind::data,
         path.ends_with(".npy")
             ? fmt::format("{}: labels are missing; name them with --labels FILE.npy", path)
             : fmt::format("{}: /labels is missing; name another data set or a .npy file with "
                           "--labels",
                           path));
  }
  return file;
}

void Timing::tell(const EvalOptions& options, Json& numbers) const {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (options.timing) {
    numbers["seconds"] = seconds;
  } else if (!options.quiet) {
    note(fmt::format("{:.2f} s", seconds));
  }
}

void add_eval(const Command& program) {
  const Command eval = program.add_command("eval", "measure embeddings");
  eval.require_command();
  eval.footer("Example:\n  kindred eval retrieval test.h5");
  add_eval_retrieval(eval);
  add_eval_verify(eval);
  add_eval_cluster(eval);
  add_eval_oneshot(eval);
}

}  // namespace kindred::tools
