#include "train/runs/training_probe.h"

#include <algorithm>
#include <functional>
#include <map>

namespace kindred {
namespace {

using ByClass = std::map<std::int64_t, std::vector<Index>>;

ByClass classes_of_training(const TrainingSet& set) {
  ByClass classes;
  for (const TrainingSet::Entry& entry : set.entries) {
    if (entry.turns == 0) classes[entry.label].push_back(entry.sample);
  }
  std::erase_if(classes, [](const auto& one) { return one.second.size() < 2; });
  return classes;
}

// The validation's classes by size, largest first.
std::vector<std::size_t> sizes_of_validation(const Dataset& dataset, const TrainingSet& set) {
  std::map<std::int64_t, std::size_t> counts;
  for (const Index sample : set.validation_samples) {
    ++counts[dataset.labels()[static_cast<std::size_t>(sample)]];
  }
  std::vector<std::size_t> sizes;
  for (const auto& [label, size] : counts) sizes.push_back(size);
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  return sizes;
}

}  // namespace

std::vector<Index> training_probe(const Dataset& dataset, const TrainingSet& set) {
  const ByClass training = classes_of_training(set);
  const std::vector<std::size_t> wanted = sizes_of_validation(dataset, set);
  if (training.empty() || wanted.empty()) return {};
  std::vector<const std::vector<Index>*> classes;
  for (const auto& [label, samples] : training) classes.push_back(&samples);
  // Evenly spread over all classes, then the largest of them for the largest wanted.
  const std::size_t count = std::min(classes.size(), wanted.size());
  std::vector<const std::vector<Index>*> chosen;
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(classes[i * classes.size() / count]);
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const auto* a, const auto* b) { return a->size() > b->size(); });
  std::vector<Index> probe;
  for (std::size_t i = 0; i < count; ++i) {
    const auto take = std::max<std::size_t>(2, std::min(wanted[i], chosen[i]->size()));
    probe.insert(probe.end(), chosen[i]->begin(),
                 chosen[i]->begin() + static_cast<std::ptrdiff_t>(take));
  }
  std::sort(probe.begin(), probe.end());
  return probe;
}

}  // namespace kindred
