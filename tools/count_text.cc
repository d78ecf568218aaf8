#include "count_text.h"

#include <fmt/format.h>

#include <utility>

namespace kindred::tools {

std::string shape_text(const Shape& shape) {
  if (shape.height == 1 && shape.width == 1) return fmt::format("{}", shape.channels);
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

std::string count_text(double count) {
  if (count < 1e4) return fmt::format("{:.0f}", count);
  for (const auto& [unit, letter] : {std::pair(1e12, "T"), {1e9, "G"}, {1e6, "M"}}) {
    if (count >= unit) return fmt::format("{:.3g} {}", count / unit, letter);
  }
  return fmt::format("{:.3g} k", count / 1e3);
}

}  // namespace kindred::tools
