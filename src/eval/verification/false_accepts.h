#pragma once
#include "kindred/core/index.h"

namespace kindred {

/// How many of `negatives` pairs a false accept rate allows: floor(far · negatives). Fails with
/// usage where `far` is not in (0, 1).
Index accepted_by_far(double far, Index negatives);

}  // namespace kindred
