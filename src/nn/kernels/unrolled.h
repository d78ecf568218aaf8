#pragma once
// Loops and sizes that become constants.
#include <utility>

#include "kindred/core/index.h"

namespace kindred {

/// Calls body(integral_constant<0>), ..., body(integral_constant<N - 1>): unrolled by construction,
/// so that arrays of vectors indexed by it live in registers.
template <int N, typename Body>
[[gnu::always_inline]] inline void unrolled(Body&& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) { (body(std::integral_constant<int, i>{}), ...); }
  (std::make_integer_sequence<int, N>{});
}

/// body.operator()<size>(), 1 <= size <= Most.
template <int Most, typename F>
[[gnu::always_inline]] inline void with_size(Index size, F&& body) {
  if constexpr (Most > 1) {
    if (size < Most) return with_size<Most - 1>(size, body);
  }
  body.template operator()<Most>();
}

}  // namespace kindred
