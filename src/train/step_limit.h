#pragma once
#include "kindred/core/index.h"

namespace kindred {

/// Steps that a recipe may plan and a file may tell of. Times a batch it is far from what an Index
/// holds.
inline constexpr Index kMostSteps = 100'000'000'000;

}  // namespace kindred
