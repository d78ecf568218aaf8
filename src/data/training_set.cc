#include "kindred/data/training_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kindred/core/error.h"
#include "kindred/core/random.h"

namespace kindred {
namespace {

std::string name_of_class(const Dataset& dataset, std::int64_t label) {
  const auto i = static_cast<std::size_t>(label);
  return i < dataset.class_names().size() ? dataset.class_names()[i]
                                          : fmt::format("class {}", label);
}

// What is kept together when classes are carved out: the alphabet where names have one.
std::string family_of(const Dataset& dataset, std::int64_t label) {
  const std::string name = name_of_class(dataset, label);
  return name.substr(0, name.find('/'));
}

using Classes = std::map<std::int64_t, std::vector<Index>>;  // samples by label

// Takes whole families, in an order drawn by the seed, until `least` classes are together.
std::vector<Index> carve(const Dataset& dataset, Index least, std::uint64_t seed,
                         Classes& classes) {
  std::map<std::string, std::vector<std::int64_t>> families;
  for (const auto& [label, samples] : classes) {
    families[family_of(dataset, label)].push_back(label);
  }
  std::vector<const std::vector<std::int64_t>*> order;
  for (const auto& [name, labels] : families) order.push_back(&labels);
  Random random(seed, Purpose::split);
  shuffle(order.data(), static_cast<Index>(order.size()), random);
  std::vector<Index> carved;
  Index taken = 0;
  for (std::size_t i = 0; i < order.size() && taken < least; ++i) {
    for (const std::int64_t label : *order[i]) {
      const std::vector<Index>& samples = classes.at(label);
      carved.insert(carved.end(), samples.begin(), samples.end());
      classes.erase(label);
      ++taken;
    }
  }
  if (classes.empty()) {
    fail(ErrorKind::recipe,
         fmt::format("[data] validation_classes = {} leaves none of the {} training classes of {} "
                     "to train on; lower it",
                     least, taken, dataset.path()));
  }
  std::sort(carved.begin(), carved.end());
  return carved;
}

void check_turns(const Dataset& dataset) {
  const Shape& shape = dataset.shape();
  if (dataset.element() == Element::u8 && shape.height == shape.width) return;
  fail(ErrorKind::recipe,
       fmt::format("[data] quarter_turns needs square images; {} holds {}", dataset.path(),
                   dataset.element() == Element::u8
                       ? fmt::format("images of {} x {}", shape.height, shape.width)
                       : "vectors"));
}

}  // namespace

TrainingSet make_training_set(const Dataset& dataset, const TrainingSetSettings& settings,
                              std::uint64_t seed) {
  if (settings.quarter_turns) check_turns(dataset);
  const std::vector<Index> samples = dataset.samples_of(Split::train);
  TrainingSet set;
  set.validation_samples = dataset.samples_of(Split::validation);
  if (settings.validation_classes > 0 && !set.validation_samples.empty()) {
    fail(ErrorKind::recipe,
         fmt::format("[data] validation_classes = {}, but {} has {} validation samples of its own "
                     "(/split 1); set it to 0",
                     settings.validation_classes, dataset.path(), set.validation_samples.size()));
  }
  if (!dataset.has_labels()) {
    if (settings.validation_classes > 0) require_labels(dataset, "[data] validation_classes");
    if (settings.quarter_turns) require_labels(dataset, "[data] quarter_turns");
    for (const Index sample : samples) set.entries.push_back({sample, 0, 0});
  }
  Classes classes;
  if (dataset.has_labels()) {
    for (const Index sample : samples) {
      classes[dataset.labels()[static_cast<std::size_t>(sample)]].push_back(sample);
    }
    if (settings.validation_classes > 0) {
      set.validation_samples = carve(dataset, settings.validation_classes, seed, classes);
    }
    std::erase_if(classes, [&](const auto& item) {
      return static_cast<Index>(item.second.size()) < settings.min_class_size;
    });
  }
  const auto base_classes = static_cast<Index>(classes.size());
  const int turns = settings.quarter_turns ? 4 : 1;
  for (int turn = 0; turn < turns; ++turn) {
    Index dense = turn * base_classes;
    for (const auto& [label, members] : classes) {
      for (const Index sample : members) {
        set.entries.push_back({sample, dense, static_cast<std::uint8_t>(turn)});
      }
      set.class_names.push_back(name_of_class(dataset, label) +
                                (turn == 0 ? "" : fmt::format(" turned {}", 90 * turn)));
      ++dense;
    }
  }
  set.classes = turns * base_classes;
  if (set.entries.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: no training sample is left ({} of split 0, min_class_size = {})",
                     dataset.path(), samples.size(), settings.min_class_size));
  }
  return set;
}

}  // namespace kindred
