#pragma once
#include <algorithm>

#include "kindred/core/index.h"

namespace kindred {

/// From so many classes on whole ones are kept out of training, to choose the model by.
inline constexpr Index kEnoughClasses = 20;

/// How many of them: a seventh, at least 3 to be told apart, and no more than say it well.
inline Index validation_classes_of(Index classes) { return std::clamp<Index>(classes / 7, 3, 100); }

}  // namespace kindred
