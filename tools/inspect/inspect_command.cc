#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "command.h"
#include "contact_sheet.h"
#include "inspect/draw_network.h"
#include "inspect/inspect_dataset.h"
#include "inspect/inspect_network.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "kindred/data/dataset.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/train/model.h"
#include "kindred/train/tensor_file.h"
#include "shipped.h"

namespace kindred::tools {
namespace {

struct InspectOptions : CommonOptions {
  std::string file;
  std::string thumbnails;
  std::string svg;   // of a network
  std::string size;  // of its samples
  DatasetNames names;
};

// A recipe has lines of its own.
std::string text_of(const Json& value) {
  return printable_lines(value.is_string() ? value.get<std::string>() : json_text(value));
}

void print(const Json& found) {
  for (const auto& [key, value] : found.items()) {
    if (key == "class histogram") {
      fmt::print("  classes by their number of samples\n{}", class_histogram_text(value));
      continue;
    }
    if (key == "notes") {
      for (const Json& note : value) fmt::print("  {:<22} {}\n", "note", text_of(note));
      continue;
    }
    if (key == "structure") {
      fmt::print("  structure\n");
      for (const auto& [name, text] : value.items()) {
        fmt::print("    {:<20} {}\n", printable(name), printable(text.get<std::string>()));
      }
      continue;
    }
    if (key == "recipe" && found.contains("command")) {
      fmt::print("  to train on it, write this to my.toml:\n{}",
                 printable_lines(value.get<std::string>()));
      continue;
    }
    fmt::print("  {:<22} {}\n", key, text_of(value));
  }
}

Json inspect_tensors(const std::string& path) {
  const TensorFile file = TensorFile::read(path);
  Json found;
  found["kind"] = file.text("kind");
  for (const char* key : {"step", "architecture", "src_shape", "src_element", "best_step",
                          "best_value", "data_xxh3"}) {
    if (file.metadata.contains(key)) found[key] = file.metadata.at(key);
  }
  Json arrays;
  for (const Tensor& tensor : file.tensors()) {
    arrays[tensor.name] = fmt::format("{} {}", name_of(tensor.type), json_text(tensor.shape));
  }
  found["arrays"] = arrays;
  found["recipe"] = file.text("recipe");
  return found;
}

Json inspect_embeddings(const std::string& path) {
  const EmbeddingFile file = read_embedding_file(path);
  Json found;
  found["kind"] = "embedding file";
  found["embeddings"] = {file.embeddings.rows(), file.embeddings.cols()};
  found["model"] = file.fingerprint;
  if (!file.labels.empty()) found["class sizes"] = class_sizes(file.labels);
  return found;
}

// A folder is no file, but something in it may be.
[[noreturn]] void refuse_folder(const std::string& path) {
  if (exists(path + "/model.kindred") || exists(path + "/metrics.jsonl")) {
    fail(ErrorKind::usage,
         fmt::format("{} is the folder of a run: inspect {}/model.kindred, or show "
                     "the run with: kindred report {}",
                     path, path, path));
  }
  fail(ErrorKind::usage, fmt::format("{} is a folder: name a file; of a folder of pictures make a "
                                     "data set first: kindred import {} OUT.h5",
                                     path, path));
}

bool is_recipe(const std::string& file) {
  if (file.ends_with(".toml")) return true;
  // The name of one that comes with the program.
  return !exists(file) && std::ranges::any_of(shipped_recipes(), [&](const ShippedRecipe& recipe) {
    return recipe.name == file;
  });
}

/// The network of a recipe or a model, or nothing.
std::optional<Outline> network_in(const InspectOptions& options) {
  if (is_folder(options.file)) return std::nullopt;
  if (is_recipe(options.file)) {
    return outline_of_recipe(find_recipe(options.file, options.quiet), options.size);
  }
  if (!is_model_file(options.file)) return std::nullopt;
  if (TensorFile::read(options.file).text("kind") != "kindred model") return std::nullopt;
  return outline_of(read_model(options.file).architecture);
}

Json look_into(const InspectOptions& options) {
  if (is_folder(options.file)) refuse_folder(options.file);
  if (is_recipe(options.file)) return {{"kind", "recipe"}};
  if (is_model_file(options.file)) return inspect_tensors(options.file);
  const bool hdf5 = options.file.find(":/") != options.file.npos || is_hdf5_file(options.file);
  if (hdf5 && Hdf5File::open(options.file).exists("embeddings")) {
    return inspect_embeddings(options.file);
  }
  Json found = inspect_dataset(options.file, options.names);
  if (!options.thumbnails.empty()) {
    const Workers workers(options.threads);
    write_contact_sheet(Dataset::open(options.file, 0, options.names), options.thumbnails, workers);
  }
  return found;
}

void inspect(const InspectOptions& options) {
  const std::optional<Outline> network = network_in(options);
  if (!network && !(options.svg.empty() && options.size.empty())) {
    fail(ErrorKind::usage,
         fmt::format("--svg and --size are for a recipe or a model; {} is neither", options.file));
  }
  Json found = look_into(options);
  if (network) found["network"] = network_json(*network);
  if (!options.svg.empty()) {
    write_file_durably(options.svg, draw_network(*network, printable(options.file)));
  }
  if (!write_json(options, found)) return;
  fmt::print("{}\n", printable(options.file));
  found.erase("network");
  print(found);
  if (network) fmt::print("{}", network_text(*network));
}

}  // namespace

void add_inspect(const Command& program) {
  auto options = std::make_shared<InspectOptions>();
  const Command command = program.add_command(
      "inspect", "what is in a data set, embedding file, model, checkpoint, recipe");
  command
      .add_option("file", options->file,
                  "the file, or FILE.h5:/group, or the name of a shipped recipe")
      .required()
      .type_name("FILE")
      .reads_file();
  command
      .add_option("--thumbnails", options->thumbnails, "draw some samples, a class a row, as PNG")
      .type_name("SHEET.png")
      .writes_file(kPngFile);
  command.add_option("--svg", options->svg, "of a recipe or a model: draws its network")
      .type_name("NETWORK.svg")
      .writes_file(kSvgFile);
  command
      .add_option("--size", options->size,
                  "of a recipe: the size of a sample, height x width x channels, where its data "
                  "set is not there")
      .type_name("28x28x1");
  add_names(command, options->names);
  add_threads(command, *options);
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Reads and checks the whole file. Of a recipe and of a model it shows the network: layers,\n"
      "shapes, parameters, operations.\n"
      "Example:\n  kindred inspect runs/first/model.kindred\n"
      "  kindred inspect omniglot --svg network.svg\n"
      "  kindred inspect other.h5 --images train_x --labels train_y --thumbnails sheet.png");
  command.callback([options] { inspect(*options); });
}

}  // namespace kindred::tools
