#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"
#include "kindred/data/augment.h"
#include "kindred/data/dataset.h"
#include "kindred/data/sampler.h"
#include "kindred/data/training_set.h"
#include "kindred/nn/architecture.h"

namespace KINDRED_API kindred {

/// How some of a network's layers are trained: one [[train.parameters]].
struct ParameterRule {
  std::string match;                ///< names of layers; * stands for any text, ? for a character
  double learning_rate_factor = 1;  ///< of their parameters
  bool frozen = false;              ///< their parameters and running statistics stay as they are
  double freeze_until = 0;          ///< the same up to this part of the planned steps
};

/// [train], and what [model] says to the trainer.
struct TrainSettings {
  Index epochs = 12;
  Index steps = 0;             ///< stop after so many steps; 0: all planned
  Index planned_steps = 0;     ///< what schedules refer to; 0: epochs x steps per epoch
  Index evaluate_every = 1;    ///< epochs; 0: at the end only
  Index checkpoint_every = 0;  ///< steps; 0: each epoch
  Index keep_checkpoints = 2;
  std::string select = "recall@1";        ///< the validation metric that chooses the model
  std::string initial;                    ///< a model whose weights are taken over
  std::vector<ParameterRule> parameters;  ///< of several that match a layer the last counts
  double average = 0;                     ///< decay of the moving average of the weights; 0: off
  bool recompute = false;  ///< keep no activations: forward again before each slice's backward
  Index slice = 16;
  Index gradient_rows = 0;  ///< the recipe's model.lanes; 0: min(slices, 16)
};

/// A training in plain values, without a recipe and without data.
struct TrainingSettings {
  std::uint64_t seed = 1;
  TrainSettings train;
  TrainingSetSettings set;
  NamedSettings sampler{"pxk"};
  AugmentSettings augment;
  Architecture architecture;          ///< src: the shape of the samples
  std::vector<NamedSettings> losses;  ///< at least one; each may have a "weight"
  /// With learning_rate, clip_norm and the schedule's keys (`kindred list optimizers`).
  NamedSettings optimizer{"adam"};
};

/// Everything a training starts from: checked and ready, before the first step.
struct Setup {
  std::uint64_t seed = 1;
  TrainSettings train;
  std::string data_path;  ///< absolute; of a data set that is no file: what it is called
  std::unique_ptr<Dataset> dataset;
  TrainingSet set;
  std::unique_ptr<Sampler> sampler;
  Architecture architecture;
  AugmentSettings augment;
  InputScaling scaling;
  std::uint64_t training_rows = 0;  ///< xxh3 of what `scaling` was measured over; vectors: 0
  std::vector<NamedSettings> losses;
  NamedSettings optimizer;
  std::string origin = "settings";  ///< what messages about the last two name: the recipe

  Index batch() const { return sampler->batch(); }
  Index slices() const { return batch() / train.slice; }
  Index gradient_rows() const { return train.gradient_rows; }
  Index planned_steps() const { return train.planned_steps; }
};

/// Of settings and samples: draws the training set, measures the input's scaling. Fails with recipe
/// where the settings do not fit each other or the samples, with data where the samples do not.
Setup make_setup(const TrainingSettings& settings, std::unique_ptr<Dataset> dataset);

/// The same of a recipe, whose data set is opened; relative paths are taken from `folder`. Values
/// of
/// [[loss]] and [optimizer] are checked by the Trainer that is made of them. Fails with no_input,
/// too.
Setup read_setup(Recipe& recipe, const std::string& folder);

/// Reads `memory` of [data]: what training may take, in bytes.
Index read_memory(Section data);

/// Reads `file` of [data]: the data set, relative to the recipe.
std::string read_data_file(Section data);

}  // namespace kindred
