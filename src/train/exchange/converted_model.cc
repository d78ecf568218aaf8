#include "train/exchange/converted_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/text.h"
#include "kindred/data/preparation.h"
#include "kindred/nn/network.h"
#include "nn/contract/registry.h"

namespace kindred {
namespace {

constexpr Index kMostTakenSlice = 4096;

/// A setting as the kind reads it: a whole number, a flag or a number.
SettingValue typed(const std::vector<Setting>& known, const std::string& key, double value) {
  const auto setting = std::ranges::find(known, key, &Setting::key);
  if (setting == known.end()) {
    fail(ErrorKind::internal, fmt::format("no layer has a setting '{}'", key));
  }
  if (setting->type == "true or false") return value != 0;
  if (setting->type == "an integer") return static_cast<Index>(value);
  return value;
}

void write_layers(Section parent, const std::string& key,
                  const std::vector<ConvertedLayer>& layers);

void write_layer(Section table, const ConvertedLayer& layer) {
  Recipe nothing;
  LayerSpec defaults{layer.kind, layer.name, {}, {}, {}};
  layer_kind(layer.kind).read(nothing.root(), defaults);
  table.put_settings({{}, {{"kind", layer.kind}, {"name", layer.name}}});
  for (std::size_t i = 0; i < layer.keys.size() && i < layer.values.size(); ++i) {
    const std::string& key = layer.keys[i];
    table.put_settings({{}, {{key, typed(nothing.root().settings(), key, layer.values[i])}}});
  }
  if (layer.kind == "residual" && layer.branches.size() == 2) {
    write_layers(table, "body", layer.branches[0]);
    write_layers(table, "shortcut", layer.branches[1]);
  }
  if (layer.kind != "concatenate") return;
  for (const std::vector<ConvertedLayer>& branch : layer.branches) {
    write_layers(table.append("branches"), "layers", branch);
  }
}

void write_layers(Section parent, const std::string& key,
                  const std::vector<ConvertedLayer>& layers) {
  for (const ConvertedLayer& layer : layers) write_layer(parent.append(key), layer);
}

const std::string* text_of_setting(const ConvertedNetwork& network, std::string_view key) {
  const auto found = std::ranges::find(network.texts, key, &ConvertedText::key);
  return found == network.texts.end() ? nullptr : &found->value;
}

/// How pictures were made into samples, and the score from which two embeddings are called the
/// same.
void take_use(const ConvertedNetwork& network, Model& model) {
  if (const std::string* threshold = text_of_setting(network, "kindred.threshold")) {
    double value = 0;
    const char* end = threshold->data() + threshold->size();
    const auto read = std::from_chars(threshold->data(), end, value);
    if (read.ec == std::errc() && read.ptr == end && value >= -1 && value <= 1) {
      model.threshold = value;
    }
  }
  const std::string* preparation = text_of_setting(network, "kindred.preparation");
  if (preparation == nullptr) return;
  try {
    model.preparation = preparation_of(*preparation, "preparation");
  } catch (const Error&) {
    return;
  }
}

/// What a file that we wrote says of how the model is computed and what its classes are; other
/// texts by these names are left alone.
void take_texts(const ConvertedNetwork& network, Model& model) {
  take_use(network, model);
  if (const std::string* slice = text_of_setting(network, "kindred.slice")) {
    Index number = 0;
    std::from_chars(slice->data(), slice->data() + slice->size(), number);
    if (number >= 1 && number <= kMostTakenSlice) model.slice = number;
  }
  const std::string* names = text_of_setting(network, "kindred.class_names");
  if (names == nullptr) return;
  try {
    const Json list = parse_json(*names, "class names");
    if (!list.is_array()) return;
    for (const Json& name : list) {
      if (!name.is_string()) return;
    }
    model.class_names = list.get<std::vector<std::string>>();
    make_valid_utf8(model.class_names);
  } catch (const Error&) {
    return;
  }
}

void choose(const ConvertedNetwork& network, std::string_view text, Section section,
            const char* key, std::initializer_list<std::string_view> choices) {
  const std::string* value = text_of_setting(network, text);
  if (value == nullptr || std::ranges::find(choices, *value) == choices.end()) return;
  section.put_settings({{}, {{key, *value}}});
}

std::string write_recipe(const ConvertedNetwork& network, const Model& model) {
  Recipe recipe;
  Section section = recipe.root().section("model");
  section.put_settings({{}, {{"architecture", "layers"}, {"slice", model.slice}}});
  if (!network.architecture.empty()) {
    section.put_settings(
        {{}, {{"architecture", network.architecture}, {"embedding", network.embedding}}});
    if (network.architecture != "iresnet18") section.put_settings({{}, {{"stem", "large"}}});
    if (!network.stages.empty()) section.put_settings({{}, {{"stages", network.stages}}});
    return recipe.resolved();
  }
  choose(network, "kindred.convolution", section, "convolution", {"auto", "direct", "winograd"});
  choose(network, "kindred.precision", section, "precision", {"float32", "bfloat16"});
  write_layers(section, "layers", network.layers);
  return recipe.resolved();
}

/// One number for all channels, or one each.
std::vector<double> by_channel(const std::vector<double>& values, Index channels, double standard,
                               const char* option) {
  const auto size = static_cast<std::size_t>(channels);
  if (values.empty()) return std::vector<double>(size, standard);
  if (values.size() == 1) return std::vector<double>(size, values[0]);
  if (values.size() == size) return values;
  fail(ErrorKind::usage,
       fmt::format("{} has {} numbers, and the network's input {} channels: give one, or {}",
                   option, values.size(), channels, channels));
}

/// ((value - mean) / deviation - file's mean) * file's scale.
InputScaling scaling_of(const ConvertedNetwork& network, const ConvertOptions& options) {
  InputScaling scaling{network.mean, network.scale};
  if (options.mean.empty() && options.deviation.empty()) return scaling;
  const auto mean = by_channel(options.mean, network.channels, 0, "--mean");
  const auto deviation = by_channel(options.deviation, network.channels, 1, "--deviation");
  for (std::size_t c = 0; c < mean.size(); ++c) {
    // Of bytes: what is larger was meant otherwise, and float32 squares it.
    constexpr double kMost = 1e9;
    if (!(deviation[c] >= 1 / kMost && deviation[c] <= kMost)) {
      fail(ErrorKind::usage, fmt::format("--deviation {}: expected a number above 0, at most {:g}",
                                         deviation[c], kMost));
    }
    if (!(std::abs(mean[c]) <= kMost)) {
      fail(ErrorKind::usage,
           fmt::format("--mean {}: expected a number of at most {:g}", mean[c], kMost));
    }
    const auto inner = static_cast<double>(network.mean[c]);
    scaling.mean[c] = static_cast<float>(mean[c] + deviation[c] * inner);
    scaling.scale[c] = static_cast<float>(static_cast<double>(network.scale[c]) / deviation[c]);
  }
  return scaling;
}

void take_arrays(const ConvertedNetwork& network, Model& model) {
  for (const ConvertedArray& array : network.arrays) {
    if (array.is_state) {
      const std::span<float> to = model.state.add<float>(array.name, array.shape);
      std::ranges::copy(array.values, to.begin());
    } else {
      model.table.add(array.name, array.shape);
    }
  }
  model.parameters = Buffer<float>(model.table.size());
  for (const ConvertedArray& array : network.arrays) {
    if (array.is_state) continue;
    const Segment* to = model.table.find(array.name);
    std::ranges::copy(array.values, model.parameters.data() + to->offset);
  }
}

}  // namespace

Model model_of(ConvertedNetwork network, const ConvertOptions& options, const std::string& path) {
  Model model;
  take_texts(network, model);
  const Shape src{network.channels, network.height, network.width};
  // Images of data sets are bytes, and vectors are floats.
  const bool is_vector = src.height == 1 && src.width == 1;
  model.element = network.takes_bytes || !is_vector ? Element::u8 : Element::f32;
  model.scaling = scaling_of(network, options);
  model.recipe = write_recipe(network, model);
  try {
    Recipe recipe = Recipe::from_text(model.recipe, path);
    model.architecture = read_architecture(recipe.root().section("model"), src);
    model.recipe = recipe.resolved();
    take_arrays(network, model);
    network.arrays.clear();
    // Compiled once: layers and arrays fit each other.
    Network::for_inference(model.architecture, model.slice, model.table, model.state);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) throw;
    fail(ErrorKind::data, fmt::format("{}: is no network of ours: {}", path, error.what()));
  }
  return model;
}

}  // namespace kindred
