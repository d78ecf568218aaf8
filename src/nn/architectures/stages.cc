#include "nn/architectures/stages.h"

#include <fmt/format.h>

#include <algorithm>

#include "nn/architectures/architectures.h"

namespace kindred {

std::vector<Index> read_stages(Section model, std::vector<Index> stages) {
  constexpr Index kMostBlocks = 64;
  const std::size_t expected = stages.size();
  model.read("stages", stages, "blocks of each stage");
  const bool fits = std::ranges::all_of(
      stages, [](Index blocks) { return blocks >= 1 && blocks <= kMostBlocks; });
  if (stages.size() != expected || !fits) {
    model.fail(fmt::format("stages = [{}]: expected {} numbers from 1 to {}",
                           fmt::join(stages, ", "), expected, kMostBlocks));
  }
  return stages;
}

double read_width(Section model) {
  double width = 1;
  model.read("width", width, "times the paper's channels", {0.05, 16});
  return width;
}

Index widened(Index channels, double width) {
  constexpr Index kUnit = 8;
  const double exact = static_cast<double>(channels) * width;
  const Index nearest = static_cast<Index>(exact + kUnit / 2.0) / kUnit * kUnit;
  const Index rounded = std::max(nearest, kUnit);
  return static_cast<double>(rounded) < 0.9 * exact ? rounded + kUnit : rounded;
}

bool read_small_stem(Section model, const Shape& src) {
  constexpr Index kLargestSmall = 96;
  std::string stem = std::max(src.height, src.width) <= kLargestSmall ? "small" : "large";
  model.read_choice("stem", stem, {"large", "small"},
                    "small keeps the image's size; default: up to 96 pixels a side");
  return stem == "small";
}

}  // namespace kindred
