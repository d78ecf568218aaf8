#pragma once
#include "core/kernels.h"
#include "nn/kernels/bfloat16.h"

namespace kindred {

/// The highest level that loops over T are compiled for. AVX512_BF16 has nothing for floats, whose
/// loops take half of a kernel's compilation.
template <typename T>
inline constexpr Isa kHighestOf = Isa::bf16;
template <>
inline constexpr Isa kHighestOf<float> = Isa::v4;

/// M(T); for each T that the level at hand is compiled for.
#if defined(__AVX512BF16__)
#define KINDRED_FOR_NUMBERS(M) M(Bfloat16)
#else
#define KINDRED_FOR_NUMBERS(M) \
  M(float);                    \
  M(Bfloat16)
#endif

}  // namespace kindred
