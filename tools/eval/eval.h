#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "command.h"
#include "embed/embed.h"
#include "kindred/data/dataset.h"
#include "kindred/data/embedding_source.h"
#include "kindred/eval/report.h"

/// What the commands of `kindred eval` share; each is a file of its own.
namespace kindred::tools {

struct EvalOptions : CommonOptions {
  EmbeddingSource source;
  EmbedRequest embed;  ///< with a model the source is what it embeds
  std::string split = "auto";
  std::string similarity = "cosine";
  bool timing = false;
  ProcessGroup* group = nullptr;  ///< ranks that do it together
};

/// A command of `eval` with the flags that all have: the file, --threads, --json, --quiet,
/// --timing.
Command add_eval_command(const Command& eval, const std::string& name, const std::string& what,
                         EvalOptions& options);
/// --dataset, --labels: embeddings that are no embedding file of ours.
void add_source(const Command& command, EvalOptions& options);
/// --model, and what belongs to it. Call it after add_source().
void add_model(const Command& command, EvalOptions& options);
void add_split(const Command& command, EvalOptions& options);

/// Only the rows of `split`: "auto" is split 2 where the file has such rows, else all. Fails with
/// data where no row is left.
EmbeddingFile rows_of_split(EmbeddingFile file, const std::string& split, const std::string& path);
/// All rows of the source, or of what the model embeds.
EmbeddingFile read_source(const EvalOptions& options);
/// The rows that the options ask for. Fails with data where labels are needed and missing.
EmbeddingFile read_asked(const EvalOptions& options, bool labels_needed = true);

/// Seconds since its construction; told to standard error, or with --timing in the JSON.
class Timing {
 public:
  void tell(const EvalOptions& options, Json& numbers) const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// A page to look at (--html), and the data set its pictures are taken from (--pictures).
struct PageOptions {
  std::string html;
  std::string pictures;
};
void add_page(const Command& command, PageOptions& options);
/// A page about `path`, named after it, without any section yet.
Report page_of(const EvalOptions& options, const std::string& path);
/// The data set of --pictures, to be opened before the work; fails as Dataset::open() does, and
/// with data where it has no /paths.
std::optional<Dataset> open_pictures(const PageOptions& options);
/// The page's samples, by /paths of the data set, get their pictures. Fails with data where a path
/// is not found.
void add_pictures(const std::optional<Dataset>& pictures, const Workers& workers, Report& report);

void add_eval_retrieval(const Command& eval);
void add_eval_verify(const Command& eval);
void add_eval_cluster(const Command& eval);
void add_eval_oneshot(const Command& eval);

}  // namespace kindred::tools
