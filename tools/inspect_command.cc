#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "command.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/dataset.h"
#include "kindred/data/embedding_file.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/train/tensor_file.h"

namespace kindred::tools {
namespace {

struct InspectOptions : CommonOptions {
  std::string file;
};

void print(const Json& found) {
  for (const auto& [key, value] : found.items()) {
    fmt::print("  {:<22} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

// How many samples the classes have: fewest, median, most.
Json class_sizes(std::span<const std::int64_t> labels) {
  std::map<std::int64_t, Index> counts;
  for (const std::int64_t label : labels) ++counts[label];
  std::vector<Index> sizes;
  for (const auto& [label, count] : counts) sizes.push_back(count);
  std::sort(sizes.begin(), sizes.end());
  if (sizes.empty()) return {};
  return {{"classes", sizes.size()},
          {"fewest", sizes.front()},
          {"median", sizes[sizes.size() / 2]},
          {"most", sizes.back()}};
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
    arrays[tensor.name] = fmt::format("{} {}", name_of(tensor.type), Json(tensor.shape).dump());
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

Json inspect_dataset(const std::string& path) {
  const Dataset dataset = Dataset::open(path);
  Json found;
  found["kind"] = "data set";
  found["samples"] = dataset.size();
  const Shape& shape = dataset.shape();
  found["sample"] = fmt::format("{} x {} x {} {}", shape.height, shape.width, shape.channels,
                                dataset.element() == Element::u8 ? "bytes" : "floats");
  for (const auto& [name, split] : {std::pair{"train", Split::train},
                                    {"validation", Split::validation},
                                    {"test", Split::test}}) {
    const std::vector<Index> samples = dataset.samples_of(split);
    if (samples.empty()) continue;
    std::vector<std::int64_t> labels;
    for (const Index sample : samples) {
      if (dataset.has_labels())
        labels.push_back(dataset.labels()[static_cast<std::size_t>(sample)]);
    }
    found[name] = {{"samples", samples.size()}, {"class sizes", class_sizes(labels)}};
  }
  if (!dataset.targets().empty()) found["targets"] = dataset.targets().cols();
  return found;
}

// Our own files begin with a small length and a brace; everything else is left to HDF5.
bool is_tensor_file(const std::string& path) {
  if (path.find(":/") != std::string::npos) return false;
  const std::vector<std::byte> bytes = read_file(path);
  return bytes.size() > 8 && bytes[8] == std::byte{'{'};
}

void inspect(const InspectOptions& options) {
  const Json found = is_tensor_file(options.file) ? inspect_tensors(options.file)
                     : Hdf5File::open(options.file).exists("embeddings")
                         ? inspect_embeddings(options.file)
                         : inspect_dataset(options.file);
  if (!write_json(options, found)) return;
  fmt::print("{}\n", options.file);
  print(found);
}

}  // namespace

void add_inspect(CLI::App& program) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App& command = *program.add_subcommand(
      "inspect", "what is in a data set, embedding file, model, checkpoint");
  command.add_option("file", options->file, "the file, or FILE.h5:/group")
      ->required()
      ->type_name("FILE");
  add_json(command, *options);
  add_quiet(command, *options);
  command.footer(
      "Reads and checks the whole file.\n"
      "Example:\n  kindred inspect runs/first/model.kindred");
  command.callback([options] { inspect(*options); });
}

}  // namespace kindred::tools
