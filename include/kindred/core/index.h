#pragma once
#include <cstddef>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// Counts, sizes and positions; signed, so that differences and loops down to zero are plain.
using Index = std::ptrdiff_t;

/// The smallest multiple of `unit` that is at least `n`; n >= 0, unit > 0.
constexpr Index round_up(Index n, Index unit) { return (n + unit - 1) / unit * unit; }

/// The number of blocks of `unit` that cover `n`; n >= 0, unit > 0.
constexpr Index blocks_of(Index n, Index unit) { return (n + unit - 1) / unit; }

}  // namespace kindred
