#include "kindred/train/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "array_tensors.h"
#include "kindred/core/error.h"
#include "kindred/train/tensor_file.h"

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
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

}  // namespace

void write_model(const std::string& path, const std::string& recipe, const Setup& setup,
                 const TrainingState& trained) {
  TensorFile file;
  const Shape& src = setup.architecture.src;
  file.metadata = {
      {"recipe", recipe},
      {"architecture", setup.architecture.name},
      {"src_shape", nlohmann::json({src.height, src.width, src.channels}).dump()},
      {"src_element", setup.dataset->element() == Element::u8 ? "u8" : "f32"},
      {"slice", fmt::format("{}", setup.train.slice)},
      {"step", fmt::format("{}", trained.step)},
      {"class_names", nlohmann::json(setup.set.class_names).dump()},
  };
  file.describe("kindred model");
  file.add(tensor_of(kMean, setup.scaling.mean));
  file.add(tensor_of(kScale, setup.scaling.scale));
  add_segments(file, "", trained.table, trained.weights());
  add_state(file, kStatePrefix, trained.state);
  file.write(path);
}

Model read_model(const std::string& path) {
  const TensorFile file = TensorFile::read(path);
  file.check_kind("kindred model", "a run's model is its model.kindred");
  Model model;
  try {
    model.recipe = file.text("recipe");
    model.step = std::stoll(file.text("step"));
    model.slice = std::stoll(file.text("slice"));
    model.element = file.text("src_element") == "u8" ? Element::u8 : Element::f32;
    const auto shape = nlohmann::json::parse(file.text("src_shape")).get<std::vector<Index>>();
    model.class_names =
        nlohmann::json::parse(file.text("class_names")).get<std::vector<std::string>>();
    constexpr Index kMost = 65536;
    if (shape.size() != 3 ||
        std::any_of(shape.begin(), shape.end(),
                    [](Index extent) { return extent < 1 || extent > kMost * 16; }) ||
        model.slice < 1 || model.slice > 4096) {
      fail(ErrorKind::data, path + ": its src_shape or slice is out of bounds");
    }
    Recipe recipe = Recipe::from_text(model.recipe, path);
    model.architecture =
        read_architecture(recipe.root().section("model"), {shape[2], shape[0], shape[1]});
  } catch (const std::logic_error&) {  // std::stoll
    fail(ErrorKind::data, path + ": its metadata holds a number that cannot be read");
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, fmt::format("{}: its metadata cannot be read: {}", path, error.what()));
  }
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

std::vector<std::string> take_over_weights(const std::string& path, TrainingState& trained) {
  const Model model = read_model(path);
  std::vector<std::string> notes;
  for (const Segment& to : trained.table.segments()) {
    const Segment* from = model.table.find(to.name);
    if (from == nullptr || from->shape != to.shape) {
      notes.push_back(fmt::format("{}: '{}' {}; it starts afresh", path, to.name,
                                  from == nullptr ? "is not in it" : "has another shape there"));
      continue;
    }
    std::copy_n(model.parameters.data() + from->offset, to.size,
                trained.parameters.data() + to.offset);
  }
  for (const Segment& from : model.table.segments()) {
    if (trained.table.find(from.name) == nullptr) {
      notes.push_back(fmt::format("{}: '{}' has no place here and is left out", path, from.name));
    }
  }
  for (const auto& to : trained.state.arrays()) {
    const State::Array* from = model.state.find(to->name);
    if (from == nullptr || from->shape != to->shape || from->type != to->type) continue;
    std::copy_n(from->bytes.data(), from->bytes.size(), to->bytes.data());
  }
  if (trained.average.size() > 0) {
    std::copy_n(trained.parameters.data(), trained.parameters.size(), trained.average.data());
  }
  return notes;
}

}  // namespace kindred
