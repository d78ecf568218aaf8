#include "kindred/train/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "array_tensors.h"
#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "kindred/train/model_bytes.h"
#include "kindred/train/tensor_file.h"
#include "model_header.h"

namespace kindred {
namespace {

constexpr std::string_view kStatePrefix = "state:";
constexpr std::string_view kMean = "input.mean";
constexpr std::string_view kScale = "input.scale";

Tensor tensor_of(std::string_view name, const std::vector<float>& values) {
  return {std::string(name),
          DataType::f32,
          {static_cast<Index>(values.size())},
          std::as_bytes(std::span(values))};
}

std::vector<float> floats_of(const TensorFile& file, std::string_view name, Index size) {
  const Tensor& tensor = find_tensor(file, name, DataType::f32, {size});
  std::vector<float> values(static_cast<std::size_t>(size));
  file.copy(tensor, 0, std::as_writable_bytes(std::span(values)));
  return values;
}

/// What else models and checkpoints hold: state, averages, an optimizer's moments.
bool is_no_weight(std::string_view name) {
  return name.starts_with(kStatePrefix) || name.starts_with("average:") ||
         name.starts_with("optimizer:");
}

/// What a model's file holds; the arrays lie with the caller.
struct ModelParts {
  const std::string& recipe;
  const Architecture& architecture;
  Index slice;
  Element element;
  const InputScaling& scaling;
  const std::vector<std::string>& class_names;
  const std::optional<Preparation>& preparation;
  std::optional<double> threshold;
  Index step;
  const ParameterTable& table;
  std::span<const float> weights;
  const State& state;
  Shards* shards = nullptr;
};

TensorFile file_of(const ModelParts& model) {
  TensorFile file;
  const Shape& src = model.architecture.src;
  file.metadata = {
      {"recipe", model.recipe},
      {"architecture", model.architecture.name},
      {"src_shape", dump_json({src.height, src.width, src.channels})},
      {"src_element", model.element == Element::u8 ? "u8" : "f32"},
      {"slice", fmt::format("{}", model.slice)},
      {"step", fmt::format("{}", model.step)},
      {"class_names", dump_json(model.class_names)},
  };
  if (model.preparation) file.metadata["preparation"] = text_of(*model.preparation);
  if (model.threshold) file.metadata["threshold"] = fmt::format("{}", *model.threshold);
  file.describe("kindred model");
  file.add(tensor_of(kMean, model.scaling.mean));
  file.add(tensor_of(kScale, model.scaling.scale));
  add_segments(file, "", model.table, model.weights, model.shards);
  add_state(file, kStatePrefix, model.state);
  return file;
}

TensorFile file_of(const std::string& recipe, const Setup& setup, const TrainingState& trained,
                   std::optional<double> threshold) {
  return file_of({recipe, setup.architecture, setup.train.slice, setup.dataset->element(),
                  setup.scaling, setup.set.class_names, setup.dataset->preparation(), threshold,
                  trained.step, trained.table, trained.weights(), trained.state, trained.shards});
}

Model model_of_file(const TensorFile& file, const std::string& path) {
  ModelHeader header = header_of_model(file);
  Recipe recipe = Recipe::from_text(header.recipe, path);
  Model model;
  model.architecture = read_architecture(recipe.root().section("model"), header.src);
  model.recipe = std::move(header.recipe);
  model.step = header.step;
  model.slice = header.slice;
  model.element = header.element;
  model.class_names = std::move(header.class_names);
  model.preparation = std::move(header.preparation);
  model.threshold = header.threshold;
  model.scaling.mean = floats_of(file, kMean, model.architecture.src.channels);
  model.scaling.scale = floats_of(file, kScale, model.architecture.src.channels);
  for (const Tensor& tensor : file.tensors()) {
    if (tensor.name == kMean || tensor.name == kScale) continue;
    if (tensor.name.starts_with(kStatePrefix)) {
      State::Array& array =
          model.state.add_array(tensor.name.substr(kStatePrefix.size()), tensor.shape, tensor.type);
      std::memcpy(array.bytes.data(), tensor.bytes.data(), tensor.bytes.size());
    } else if (tensor.type == DataType::f32) {
      model.table.add(tensor.name, tensor.shape);
    }
  }
  model.parameters = Buffer<float>(model.table.size());
  load_segments(file, "", model.table, model.parameters.span());
  model.fingerprint = file.text("data_xxh3");
  return model;
}

}  // namespace

void write_model(const std::string& path, const std::string& recipe, const Setup& setup,
                 const TrainingState& trained, std::optional<double> threshold) {
  file_of(recipe, setup, trained, threshold).write(path);
}

void write_model(const std::string& path, const Model& model) {
  file_of({model.recipe, model.architecture, model.slice, model.element, model.scaling,
           model.class_names, model.preparation, model.threshold, model.step, model.table,
           model.parameters.span(), model.state})
      .write(path);
}

void check_model(const std::string& recipe, const Setup& setup, const TrainingState& trained) {
  file_of(recipe, setup, trained, 0.0).check_fits();
}

Model read_model(const std::string& path) { return model_of_file(TensorFile::read(path), path); }

Model read_model(std::vector<std::byte> file, const std::string& where) {
  return model_of_file(TensorFile::parse(std::move(file), where), where);
}

std::vector<std::byte> without_class_names(std::vector<std::byte> file, const std::string& where) {
  TensorFile model = TensorFile::parse(std::move(file), where);
  model.metadata["class_names"] = "[]";
  return model.bytes();
}

std::string scaling_note(const std::string& path, const InputScaling& scaling) {
  const TensorFile file = TensorFile::open(path);
  if (file.find(kMean) == nullptr || file.find(kScale) == nullptr) return "";
  const auto channels = static_cast<Index>(scaling.mean.size());
  const InputScaling before{floats_of(file, kMean, channels), floats_of(file, kScale, channels)};
  if (before.mean == scaling.mean && before.scale == scaling.scale) return "";
  return fmt::format(
      "{}: its network read (value - {}) * {}, and from now on reads (value - {}) * {}, as these "
      "samples ask for: what it gives changes",
      path, fmt::join(before.mean, " "), fmt::join(before.scale, " "), fmt::join(scaling.mean, " "),
      fmt::join(scaling.scale, " "));
}

std::vector<std::string> take_over_weights(const std::string& path, TrainingState& trained) {
  TensorFile file = TensorFile::open(path);  // of many classes it may be larger than the memory
  if (file.text("kind") != "kindred checkpoint") {
    file.check_kind("kindred model", "train.initial is a model.kindred, or a run's checkpoint");
  }
  std::vector<std::string> notes;
  for (const Segment& to : trained.table.segments()) {
    const Tensor* from = file.find(to.name);
    if (from == nullptr || from->type != DataType::f32 || from->shape != to.shape) {
      notes.push_back(fmt::format("{}: '{}' {}; it starts afresh", path, to.name,
                                  from == nullptr ? "is not in it" : "has another shape there"));
      continue;
    }
    const auto values = trained.parameters.span().subspan(static_cast<std::size_t>(to.offset),
                                                          static_cast<std::size_t>(to.size));
    file.copy(*from, static_cast<std::size_t>(to.first()) * sizeof(float),
              std::as_writable_bytes(values));
  }
  for (const Tensor& from : file.tensors()) {
    if (from.name == kMean || from.name == kScale || is_no_weight(from.name)) continue;
    if (trained.table.find(from.name) == nullptr) {
      notes.push_back(fmt::format("{}: '{}' has no place here and is left out", path, from.name));
    }
  }
  for (const auto& to : trained.state.arrays()) {
    const Tensor* from = file.find(std::string(kStatePrefix) + to->name);
    if (from == nullptr || from->shape != to->shape || from->type != to->type) continue;
    file.copy(*from, 0, std::as_writable_bytes(to->bytes.span().first(from->size())));
  }
  if (trained.average.size() > 0) {
    std::copy_n(trained.parameters.data(), trained.parameters.size(), trained.average.data());
  }
  if (trained.shards != nullptr) {
    trained.shards->hold(std::move(file), std::vector<std::optional<std::string>>(
                                              trained.average.size() > 0 ? 2 : 1, ""));
  }
  return notes;
}

}  // namespace kindred
