#pragma once
#include <string>

#include "command.h"
#include "kindred/core/shape.h"
#include "kindred/nn/outline.h"

namespace kindred::tools {

/// "28x28x1", "112x112x3" or "768": height, width and channels. Fails with usage.
Shape size_named(const std::string& text);
/// The network of a recipe or a model: its layers with shapes, parameters and operations.
Json network_json(const Outline& outline);
/// The same as a table of at most 80 columns.
std::string network_text(const Outline& outline);

/// The network that a recipe describes, for the samples of its data set; of samples of `size` where
/// that is not empty. Fails with no_input where the data set is missing, and says so.
Outline outline_of_recipe(const std::string& path, const std::string& size);

}  // namespace kindred::tools
