#pragma once
#include <cstring>

#include "kindred/core/index.h"

namespace kindred {

/// L floats that are computed with at once (the compilers' vector extension): arithmetic is lane by
/// lane, comparisons give Int with all bits set or none, `mask ? a : b` chooses lane by lane.
/// L = 16 is one AVX-512 register or two AVX ones.
template <int L>
struct Vector {
  typedef float Float __attribute__((vector_size(L * sizeof(float))));
  typedef int Int __attribute__((vector_size(L * sizeof(int))));

  static Float load(const float* p) {
    Float value;
    std::memcpy(&value, p, sizeof(value));
    return value;
  }
  static void store(float* p, Float value) { std::memcpy(p, &value, sizeof(value)); }
  static Float all(float value) { return Float{} + value; }
};

/// Calls body.template operator()<L>() with L = lanes: 16, 8 or 1.
template <typename F>
void with_lanes(int lanes, F&& body) {
  switch (lanes) {
    case 16: return body.template operator()<16>();
    case 8: return body.template operator()<8>();
    default: return body.template operator()<1>();
  }
}

}  // namespace kindred
