#pragma once
// bfloat16 as the tests see it, and what they do on a CPU without it.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <string>

#include "kindred/nn/precision.h"

namespace kindred::test {

/// Half the distance between neighbours of 8 binary digits, as a share: what rounding costs.
inline constexpr double kBfloat16Rounding = 0x1p-8;

/// To the nearest number of 8 binary digits, ties to even.
inline float rounded_to_bfloat16(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  bits += 0x7fff + ((bits >> 16) & 1);
  return std::bit_cast<float>(bits & 0xffff0000U);
}

inline std::string test_name(Precision precision) { return std::string(name_of(precision)); }

}  // namespace kindred::test

/// Ends a test, with the reason, where the CPU does not compute in `precision`.
#define SKIP_WITHOUT(precision)                              \
  if ((precision) == Precision::bfloat16 && !has_bfloat16()) \
  GTEST_SKIP() << "this CPU (or ONEDNN_MAX_CPU_ISA) has neither AVX512_BF16 nor AMX"
