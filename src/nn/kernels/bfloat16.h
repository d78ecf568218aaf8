#pragma once
#include <cstdint>

namespace kindred {

/// The upper half of a float: its sign, its 8 bits of exponent, 7 bits of fraction. Stored and
/// moved only: what computes with it reads floats and rounds to the nearest, ties to even, on the
/// way out (Vector).
struct Bfloat16 {
  std::uint16_t bits;
};

}  // namespace kindred
