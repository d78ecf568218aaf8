#include <fmt/format.h>

#include <chrono>

#include "command.h"
#include "count_bar.h"
#include "embed.h"
#include "kindred/core/error.h"
#include "kindred/data/dataset.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_kinds.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"

namespace kindred::tools {
namespace {

struct EmbedOptions : CommonOptions, EmbedRequest {
  std::string out;
};

Split split_named(const std::string& name) {
  if (name == "train") return Split::train;
  if (name == "validation") return Split::validation;
  return name == "test" ? Split::test : Split::all;
}

// `kindred embed DATA MODEL`
void check_order(const EmbedRequest& request) {
  if (is_model_file(request.model) || !is_model_file(request.data)) return;
  fail(ErrorKind::usage,
       fmt::format("embed: the model comes first, then the data: kindred embed {} {}", request.data,
                   request.model));
}

void embed(const EmbedOptions& options) {
  double seconds = 0;
  const EmbeddingFile file = embed_samples(options, ShownWorkers("embedding", options), &seconds);
  write_embedding_file(options.out, file);
  if (options.quiet) return;
  note(fmt::format("{}: {} embeddings of {} numbers, {:.0f} images/s", options.out,
                   file.embeddings.rows(), file.embeddings.cols(),
                   static_cast<double>(file.embeddings.rows()) / seconds));
}

}  // namespace

EmbeddingFile embed_samples(const EmbedRequest& request, const Workers& workers, double* seconds) {
  check_order(request);
  Model model = read_model(request.model);
  if (!request.precision.empty()) {
    model.architecture.precision = precision_named(request.precision);
  }
  const Dataset dataset = Dataset::open(request.data, 0, request.names);
  const std::vector<Index> samples = dataset.samples_of(split_named(request.split));
  if (samples.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: has no samples of split {}", request.data, request.split));
  }
  Embedder embedder(model, workers);
  const auto start = std::chrono::steady_clock::now();
  EmbeddingFile file;
  file.embeddings = embedder.embed(dataset, samples, request.flip);
  if (seconds != nullptr) {
    *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  static_cast<SampleColumns&>(file) = dataset.columns().of(samples);
  file.fingerprint = model.fingerprint;
  return file;
}

void add_embed(const Command& program) {
  auto options = std::make_shared<EmbedOptions>();
  const Command command = program.add_command("embed", "turn a data set into embeddings");
  command.add_option("model", options->model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  command.add_option("data", options->data, "data set")
      .required()
      .type_name("DATA.h5")
      .reads_file();
  command.add_option("--out", options->out, "embedding file to write")
      .required()
      .type_name("EMB.h5")
      .writes_file(kEmbeddingsFile);
  command.add_option("--split", options->split, "which samples (default: all)")
      .check(one_of({"train", "validation", "test", "all"}));
  command.add_flag("--flip", options->flip, "add the embedding of the mirrored image");
  command
      .add_option("--precision", options->precision,
                  "compute in this, whatever the model was trained in (its weights are float32): "
                  "float32, or bfloat16 where the CPU has it")
      .check(one_of({"float32", "bfloat16", "auto"}));
  add_names(command, options->names);
  add_threads(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Example:\n  kindred embed runs/first/model.kindred datasets/omniglot28.h5 --split "
      "test --out test.h5");
  command.callback([options] { embed(*options); });
}

}  // namespace kindred::tools
