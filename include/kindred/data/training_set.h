#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"
#include "kindred/data/dataset.h"

namespace KINDRED_API kindred {

/// What training sees of a data set: a list of entries, each a sample, a quarter turn and a dense
/// label. With `quarter_turns`, each class turned by 90, 180 and 270 degrees is a further class.
/// Classes carved out for validation (`data.validation_classes`) are left out of it: whole
/// alphabets where class names have a "/", chosen by the seed.
struct TrainingSet {
  struct Entry {
    std::int32_t sample;  ///< in the data set
    std::int32_t label;   ///< in [0, classes)
    std::uint8_t turns;   ///< quarter turns counter-clockwise, 0 to 3
  };
  std::vector<Entry> entries;  ///< by turns, then label, then sample
  Index classes = 0;
  std::vector<std::string> class_names;   ///< [classes]; "Greek/character07", "... turned 90"
  std::vector<Index> validation_samples;  ///< split 1, or the carved classes; may be empty
};

struct TrainingSetSettings {
  Index validation_classes = 0;  ///< at least this many classes of split 0 are kept for validation
  bool quarter_turns = false;
  Index min_class_size = 1;  ///< classes with fewer samples are dropped
};

TrainingSet make_training_set(const Dataset& dataset, const TrainingSetSettings& settings,
                              std::uint64_t seed);

}  // namespace kindred
