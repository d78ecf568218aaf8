#pragma once
#include <string>

#include "kindred/nn/outline.h"

namespace kindred::tools {

/// An SVG of a network, from its samples above to the embedding below: a box a layer, as wide as
/// its share of the operations allows to see, with shapes, parameters and operations beside it.
/// Light and dark.
std::string draw_network(const Outline& outline, const std::string& title);

}  // namespace kindred::tools
