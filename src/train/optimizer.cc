#include "kindred/train/optimizer.h"

#include <algorithm>

namespace kindred {
namespace {

constexpr Index kBlock = 8192;  // floats a task updates: four arrays of it stay in a 1 MiB cache

}  // namespace

Optimizer::Optimizer(const ParameterTable& table) { follow(table); }

void Optimizer::follow(const ParameterTable& table) {
  blocks_.clear();
  for (const Segment& segment : table.segments()) {
    if (segment.frozen) continue;
    for (Index begin = 0; begin < segment.size; begin += kBlock) {
      blocks_.push_back({segment.offset + begin,
                         segment.offset + std::min(begin + kBlock, segment.size),
                         static_cast<float>(segment.learning_rate_factor), segment.decay});
    }
  }
}

std::unique_ptr<Optimizer> read_optimizer(Section section, const ParameterTable& table) {
  std::string name = "adam";
  std::vector<std::string> names;
  for (const OptimizerEntry& entry : optimizer_registry()) names.emplace_back(entry.name);
  section.read_choice("name", name, names, "how gradients move the parameters");
  const auto entry = std::find_if(optimizer_registry().begin(), optimizer_registry().end(),
                                  [&](const OptimizerEntry& row) { return row.name == name; });
  return entry->make(section, table);
}

}  // namespace kindred
