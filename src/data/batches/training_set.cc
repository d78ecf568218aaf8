#include "kindred/data/training_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "kindred/core/error.h"
#include "kindred/core/random.h"

namespace kindred {
namespace {

std::string name_of_class(const Dataset& dataset, std::int64_t label) {
  const auto i = static_cast<std::size_t>(label);
  return i < dataset.class_names().size() ? dataset.class_names()[i]
                                          : fmt::format("class {}", label);
}

bool is_training(const Dataset& dataset, Index sample) {
  const std::span<const std::uint8_t> split = dataset.split();
  return split.empty() || split[static_cast<std::size_t>(sample)] == 0;
}

// What is kept together when classes are carved out: the alphabet where names have one.
std::string family_of(const Dataset& dataset, std::int64_t label) {
  const std::string name = name_of_class(dataset, label);
  return name.substr(0, name.find('/'));
}

using Classes = std::map<std::int64_t, Index>;  // number of samples by label

// Takes whole families, in an order drawn by the seed, until `least` classes are together.
std::set<std::int64_t> carve(const Dataset& dataset, Index least, std::uint64_t seed,
                             Classes& classes) {
  std::map<std::string, std::vector<std::int64_t>> families;
  for (const auto& [label, count] : classes) families[family_of(dataset, label)].push_back(label);
  std::vector<const std::vector<std::int64_t>*> order;
  for (const auto& [name, labels] : families) order.push_back(&labels);
  Random random(seed, Purpose::split);
  shuffle(order.data(), static_cast<Index>(order.size()), random);
  std::set<std::int64_t> carved;
  for (std::size_t i = 0; i < order.size() && static_cast<Index>(carved.size()) < least; ++i) {
    for (const std::int64_t label : *order[i]) {
      carved.insert(label);
      classes.erase(label);
    }
  }
  if (classes.empty()) {
    fail(ErrorKind::recipe,
         fmt::format("[data] validation_classes = {} leaves none of the {} training classes of {} "
                     "to train on; lower it",
                     least, carved.size(), dataset.path()));
  }
  return carved;
}

// Entries of the samples of split 0 whose labels are in `classes`, by label, then sample.
void add_classes(const Dataset& dataset, const Classes& classes, int turns, TrainingSet& set) {
  struct Place {
    std::int32_t label;
    std::size_t next;  // entry
  };
  std::map<std::int64_t, Place> places;
  std::size_t total = 0;
  for (const auto& [label, count] : classes) {
    places.emplace(label, Place{static_cast<std::int32_t>(places.size()), total});
    total += static_cast<std::size_t>(count);
  }
  set.entries.resize(total * static_cast<std::size_t>(turns));
  for (Index i = 0; i < dataset.size(); ++i) {
    if (!is_training(dataset, i)) continue;
    const auto found = places.find(dataset.labels()[static_cast<std::size_t>(i)]);
    if (found == places.end()) continue;
    Place& place = found->second;
    set.entries[place.next++] = {static_cast<std::int32_t>(i), place.label, 0};
  }
  for (int turn = 1; turn < turns; ++turn) {
    for (std::size_t i = 0; i < total; ++i) {
      TrainingSet::Entry entry = set.entries[i];
      entry.label += static_cast<std::int32_t>(classes.size()) * turn;
      entry.turns = static_cast<std::uint8_t>(turn);
      set.entries[total * static_cast<std::size_t>(turn) + i] = entry;
    }
  }
}

// Returns the number of samples of split 0.
Index add_entries(const Dataset& dataset, const TrainingSetSettings& settings, std::uint64_t seed,
                  TrainingSet& set) {
  Index samples = 0;
  for (Index i = 0; i < dataset.size(); ++i) samples += is_training(dataset, i) ? 1 : 0;
  if (!dataset.has_labels()) {
    if (settings.validation_classes > 0) require_labels(dataset, "[data] validation_classes");
    if (settings.quarter_turns) require_labels(dataset, "[data] quarter_turns");
    set.entries.reserve(static_cast<std::size_t>(samples));
    for (Index i = 0; i < dataset.size(); ++i) {
      if (is_training(dataset, i)) set.entries.push_back({static_cast<std::int32_t>(i), 0, 0});
    }
    return samples;
  }
  const auto label = [&](Index i) { return dataset.labels()[static_cast<std::size_t>(i)]; };
  Classes classes;
  for (Index i = 0; i < dataset.size(); ++i) {
    if (is_training(dataset, i)) ++classes[label(i)];
  }
  if (settings.validation_classes > 0) {
    const auto carved = carve(dataset, settings.validation_classes, seed, classes);
    for (Index i = 0; i < dataset.size(); ++i) {
      if (is_training(dataset, i) && carved.contains(label(i))) set.validation_samples.push_back(i);
    }
  }
  std::erase_if(classes, [&](const auto& item) { return item.second < settings.min_class_size; });
  const int turns = settings.quarter_turns ? 4 : 1;
  add_classes(dataset, classes, turns, set);
  for (int turn = 0; turn < turns; ++turn) {
    for (const auto& [named, count] : classes) {
      set.class_names.push_back(name_of_class(dataset, named) +
                                (turn == 0 ? "" : fmt::format(" turned {}", 90 * turn)));
    }
  }
  set.classes = turns * static_cast<Index>(classes.size());
  return samples;
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
  if (dataset.size() > INT32_MAX / 4) {
    fail(ErrorKind::data, fmt::format("{}: holds {} samples; at most {} can be trained on",
                                      dataset.path(), dataset.size(), INT32_MAX / 4));
  }
  TrainingSet set;
  set.validation_samples = dataset.samples_of(Split::validation);
  if (settings.validation_classes > 0 && !set.validation_samples.empty()) {
    fail(ErrorKind::recipe,
         fmt::format("[data] validation_classes = {}, but {} has {} validation samples of its own "
                     "(/split 1); set it to 0",
                     settings.validation_classes, dataset.path(), set.validation_samples.size()));
  }
  const Index samples = add_entries(dataset, settings, seed, set);
  if (set.entries.empty()) {
    fail(ErrorKind::data,
         fmt::format("{}: no training sample is left ({} of split 0, min_class_size = {})",
                     dataset.path(), samples, settings.min_class_size));
  }
  return set;
}

}  // namespace kindred
