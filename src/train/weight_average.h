#pragma once
#include <span>

#include "kindred/core/parallel.h"

namespace kindred {

/// average += (1 - d) (parameters - average), with d = min(decay, (1 + step) / (10 + step)), so
/// that the first steps do not linger. Source: Polyak and Juditsky 1992, in the exponential form.
void average_weights(const Workers& workers, double decay, Index step,
                     std::span<const float> parameters, std::span<float> average);

}  // namespace kindred
