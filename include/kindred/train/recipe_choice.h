#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/data/dataset.h"

namespace KINDRED_API kindred {

/// What a recipe is chosen by: a data set, the time at hand, and how fast the network is there.
struct RecipeFacts {
  std::string file;  ///< what data.file will be
  DatasetNames names = {};
  Shape shape = {};
  Element element = Element::u8;
  bool drawn = false;                   ///< mostly black and white: writing rather than photographs
  std::vector<Index> class_sizes = {};  ///< samples for training of each class, smallest first
  Index largest_family = 1;             ///< classes that data.validation_classes keeps together
  Index validation_samples = 0;         ///< the data set's own
  Index test_samples = 0;
  std::vector<std::string> why = {};  ///< how samples were made of pictures, a sentence each
  double seconds = 0;                 ///< for training and evaluations
  double images_per_second = 0;       ///< that training was measured to take; 0: not measured
  int threads = 0;                    ///< with which
  Index batch = 0;                    ///< that it was measured with; 0: the one chosen
  int network = 0;  ///< 0 to networks_to_choose() - 1, from the best to the fastest
  std::vector<std::string> assignments = {};  ///< "section.key=value": said, not chosen
};

/// Of a data set as it is; what depends on time, place and machine is left to the caller. Fails
/// with data where it cannot be trained on: no labels, one class, no two samples of a class.
RecipeFacts facts_of(const Dataset& dataset);

/// How many networks there are for such samples.
int networks_to_choose(const RecipeFacts& facts);

/// What a choice comes to.
struct RecipeChoice {
  std::string text;   ///< TOML, each choice with its reason
  Index steps = 0;    ///< planned; 0 where nothing says how long: images_per_second is 0
  double passes = 0;  ///< over the training samples
};

/// Chooses sampler, augmentation, network, losses, optimizer and length, by rules that the comments
/// in the text state. What `assignments` say stands in it in place of a choice, but for keys of
/// losses: the text is to be followed by Recipe::set() of them all.
RecipeChoice choose_recipe(const RecipeFacts& facts);

}  // namespace kindred
