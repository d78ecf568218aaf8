#pragma once
// What the kernels of stem_kernels.cc and stem_block_kernels.cc are made of.
#include "core/kernels.h"
#include "nn/kernels/unrolled.h"
#include "nn/kernels/vector.h"

namespace kindred {

/// Floats of a vector at this level: GCC makes poor code of what is longer than a register.
inline constexpr int kLanes = vector_floats(kLevel);
using V = Vector<kLanes>;
using Float = V::Float;
using Int = V::Int;

/// `value` in every lane. Subtracting zero costs nothing, as it changes no number.
inline Float broadcast(float value) { return value - Float{}; }

/// Calls body.operator()<n>(first) for pieces of [0, size): as few as there can be with n <= Most,
/// of about the same length.
template <int Most, typename F>
void for_pieces(Index size, F&& body) {
  for (Index left = blocks_of(size, Most), first = 0; left > 0; --left) {
    const Index length = (size - first) / left;
    with_size<Most>(length, [&]<int n>() { body.template operator()<n>(first); });
    first += length;
  }
}

}  // namespace kindred
