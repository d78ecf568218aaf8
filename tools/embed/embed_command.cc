#include <fmt/format.h>

#include "command.h"
#include "count_bar.h"
#include "embed/embed.h"
#include "kindred/core/error.h"
#include "kindred/core/file_use.h"
#include "kindred/data/embedding_file.h"
#include "together.h"

namespace kindred::tools {
namespace {

struct EmbedOptions : CommonOptions {
  EmbedRequest request;
  std::string out;
};

void embed(const EmbedOptions& options, ProcessGroup& group) {
  const Embedded embedded =
      embed_samples(options.request, ShownWorkers("embedding", options), &group);
  if (group.rank() != 0) return;
  if (embedded.interrupted) {
    note(fmt::format("stopped; {} was not written", options.out));
    return;
  }
  const EmbeddingFile& file = embedded.file;
  write_embeddings(options.out, file);
  const double rate = static_cast<double>(file.embeddings.rows()) / embedded.seconds;
  Json numbers = {{"embeddings", file.embeddings.rows()},
                  {"dimensions", file.embeddings.cols()},
                  {"images_per_second", rate},
                  {"unreadable", embedded.unreadable}};
  if (!options.json.empty()) write_json(options, numbers);
  if (options.quiet) return;
  note(fmt::format("{}: {} embeddings of {} numbers, {:.0f} images/s", options.out,
                   file.embeddings.rows(), file.embeddings.cols(), rate));
  if (options.out.ends_with(".npy") && !file.labels.empty()) {
    note("an array holds no labels and no paths; .h5 and .csv do");
  }
}

}  // namespace

void add_embed(const Command& program) {
  auto options = std::make_shared<EmbedOptions>();
  EmbedRequest& request = options->request;
  const Command command =
      program.add_command("embed", "turn pictures or a data set into embeddings");
  command.add_option("model", request.model, "model.kindred of a run")
      .required()
      .type_name("MODEL")
      .reads_file();
  command
      .add_option("pictures", request.sources,
                  "a data set; or image files, folders (of classes or not), archives, a list of "
                  "pictures, - for names on standard input")
      .required()
      .type_name("PICTURES...")
      .reads_file();
  command
      .add_option("--out", options->out,
                  "embeddings to write: HDF5, or by its ending an array .npy, or lines .csv; "
                  "replaces nothing but such embeddings or an empty file")
      .required()
      .type_name("EMB.h5")
      .check(named());
  command.add_option("--split", request.split, "which samples (default: all)")
      .check(one_of({"train", "validation", "test", "all"}));
  add_picture_options(command, request.pictures);
  command.add_flag("--flip", request.flip, "add the embedding of the mirrored image");
  command
      .add_option("--precision", request.precision,
                  "compute in this, whatever the model was trained in (its weights are float32): "
                  "float32, or bfloat16 where the CPU has it")
      .check(one_of({"float32", "bfloat16", "auto"}));
  add_names(command, request.names);
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Pictures are resized and cropped as the model's own were. One that cannot be read is left "
      "out\nand named.\n"
      "mpirun -n R kindred embed: R processes, each of which embeds its part.\n"
      "Example:\n  kindred embed runs/first/model.kindred photos/ --out photos.h5\n"
      "  kindred embed runs/first/model.kindred datasets/omniglot28.h5 --split test --out test.h5");
  command.callback(
      [options] {
        options->request.quiet = options->quiet;
        options->request.may_stop = true;
        together([&](ProcessGroup& group) { embed(*options, group); });
      },
      [options](FileUse& files) {
        if (options->out == "-") {
          fail(ErrorKind::usage, "embed --out -: embeddings are written to a file; name one");
        }
        files.writes(options->out, &kind_of_embeddings(options->out));
      });
}

}  // namespace kindred::tools
