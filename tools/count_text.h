#pragma once
#include <string>

#include "kindred/core/shape.h"

namespace kindred::tools {

/// "28 x 28 x 1", height and width and channels, or "768" of a vector.
std::string shape_text(const Shape& shape);
/// "11.2 M", "523 k": a count in a few letters.
std::string count_text(double count);

}  // namespace kindred::tools
