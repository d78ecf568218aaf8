#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/train/setup.h"

namespace kindred {

/// Of the top level.
std::uint64_t read_seed(Section root);

/// What [data] says.
struct DataSettings {
  std::string file;
  DatasetNames names;
  Index memory = 0;
  TrainingSetSettings set;
};
DataSettings read_data(Section section);

void read_train(Section section, TrainSettings& train);
/// The keys of [model] that are the trainer's, not the network's.
void read_slices(Section section, TrainSettings& train);

/// What [optimizer] says of any optimizer, its schedule apart.
struct LearningSettings {
  double learning_rate = 1e-3;
  double clip_norm = 0;
};
LearningSettings read_learning(Section section);

/// The metrics that train.select may name: what a validation measures.
std::vector<std::string> selecting_metrics();

}  // namespace kindred
