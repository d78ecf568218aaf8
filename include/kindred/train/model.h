#pragma once
#include <optional>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/parameters.h"
#include "kindred/data/augment.h"
#include "kindred/data/dataset.h"
#include "kindred/nn/architecture.h"
#include "kindred/train/setup.h"
#include "kindred/train/trainer.h"

namespace KINDRED_API kindred {

/// A trained network and what is needed to use it: weights, running statistics, input scaling,
/// class names, the recipe it came from. The same training gives the same file, bit for bit.
struct Model {
  std::string recipe;  ///< resolved TOML
  Architecture architecture;
  Index slice = 16;
  Element element = Element::u8;
  InputScaling scaling;
  std::vector<std::string> class_names;
  /// How its samples were made of pictures; nothing where its data set did not say.
  std::optional<Preparation> preparation;
  /// The cosine of two embeddings from which on they are called the same: chosen on pairs of its
  /// validation samples. Nothing where there were none.
  std::optional<double> threshold;
  Index step = 0;  ///< it was kept at
  ParameterTable table;
  Buffer<float> parameters;  ///< [table.size()], the losses' weights included
  State state;
  std::string fingerprint;  ///< of all arrays
};

/// Writes what `trained` would be used as (its average where there is one). Fails with
/// cannot_create or io.
void write_model(const std::string& path, const std::string& recipe, const Setup& setup,
                 const TrainingState& trained, std::optional<double> threshold = std::nullopt);

/// The same of a model that was read or converted.
void write_model(const std::string& path, const Model& model);

/// Fails as write_model() would of what is known before the first step: names, sizes, recipe.
void check_model(const std::string& recipe, const Setup& setup, const TrainingState& trained);

/// Reads and checks a model file. Fails with no_input, data, or recipe where its recipe is wrong.
Model read_model(const std::string& path);

/// What to say where a model or a checkpoint was trained on samples of another scaling than this:
/// weights are taken over, scalings are not. "" where it is the same, or not known.
std::string scaling_note(const std::string& path, const InputScaling& scaling);

/// Copies the weights and running statistics of a model or a checkpoint into `trained` where name
/// and shape agree. Fails with no_input or data. Returns one line for each array of either side
/// that did not find its match.
std::vector<std::string> take_over_weights(const std::string& path, TrainingState& trained);

}  // namespace kindred
