#pragma once
#include <string>

#include "command.h"
#include "kindred/core/shape.h"
#include "kindred/nn/outline.h"

namespace kindred::tools {

/// "28x28x1", "112x112x3" or "768": height, width and channels. Fails with usage.
Shape size_named(const std::string& text);
/// "28 x 28 x 1", or "768" of a vector.
std::string shape_text(const Shape& shape);
/// "11.2 M", "523.1 k": a count in a few letters.
std::string count_text(double count);

/// The network of a recipe or a model: its layers with shapes, parameters and operations.
Json network_json(const Outline& outline);
/// The same as a table of at most 80 columns.
std::string network_text(const Outline& outline);

/// The network that a recipe describes, for the samples of its data set; of samples of `size` where
/// that is not empty. Fails with no_input where the data set is missing, and says so.
Outline outline_of_recipe(const std::string& path, const std::string& size);

}  // namespace kindred::tools
