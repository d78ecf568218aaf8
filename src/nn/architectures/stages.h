#pragma once
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"

namespace kindred {

/// Reads `stages` of [model]: how many blocks each stage has. The default says how many stages.
std::vector<Index> read_stages(Section model, std::vector<Index> stages);

/// Reads `width` of [model]: what the paper's channels are multiplied by.
double read_width(Section model);
/// channels * width, rounded to a multiple of 8, at least 8, and at most a tenth below
/// (Sandler et al. 2018's own code).
Index widened(Index channels, double width);

/// Reads `stem` of [model], "large" or "small": by default small up to 96 pixels a side.
bool read_small_stem(Section model, const Shape& src);

}  // namespace kindred
