#pragma once
// Kernels at every level that this CPU has, on tensors of float or Bfloat16 in any layout.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "core/kernels.h"
#include "nn/kernels/channel_layout.h"
#include "nn/onednn/tensor.h"
#include "support/bfloat16.h"

namespace kindred::test {

/// The levels that can be run here.
inline std::vector<Isa> levels() {
  std::vector<Isa> found;
  for (const Isa level : kAllIsas) {
    if (level <= cpu_isa()) found.push_back(level);
  }
  return found;
}

inline float to_float(float value) { return value; }
inline float to_float(Bfloat16 value) {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}
template <typename T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    return {
        static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rounded_to_bfloat16(value)) >> 16)};
  }
}
/// What storing a number of this size as T may cost.
template <typename T>
double rounding(double value) {
  return std::is_same_v<T, float> ? 0 : std::abs(value) * kBfloat16Rounding;
}

/// A tensor whose numbers are NaN until somebody writes them; padding channels too.
template <typename T>
struct Tensor {
  ChannelLayout layout;
  Index C;  // without padding
  std::vector<T> numbers;

  Tensor(Index S, const Shape& shape, FormatTag tag)
      : layout(channel_layout(S, shape, tag)),
        C(shape.channels),
        numbers(static_cast<std::size_t>(S * layout.sample_stride),
                from_float<T>(std::numeric_limits<float>::quiet_NaN())) {}

  std::size_t place(Index n, Index c, Index p) const {
    for (const ChannelGroup& group : layout.groups) {
      if (c < group.channel || c >= group.channel + group.lanes) continue;
      return static_cast<std::size_t>(n * layout.sample_stride + group.offset +
                                      p * layout.pixel_stride + c - group.channel);
    }
    return numbers.size();
  }
  double at(Index n, Index c, Index p) const {
    return static_cast<double>(to_float(numbers.at(place(n, c, p))));
  }
  double at(Index n, Index c, Index h, Index w) const { return at(n, c, h * layout.W + w); }

  /// Whole multiples of `step` up to 100 of them, 0 left out: numbers that differ, differ by as
  /// much.
  void fill(std::uint32_t seed, float step) {
    std::mt19937 random(seed);
    for (Index n = 0; n < layout.S; ++n) {
      for (Index c = 0; c < layout.C; ++c) {
        for (Index p = 0; p < layout.pixels(); ++p) {
          const auto count = static_cast<float>(random() % 100 + 1) * (random() % 2 == 0 ? 1 : -1);
          numbers[place(n, c, p)] = from_float<T>(c < C ? step * count : 0.0F);
        }
      }
    }
  }
};

}  // namespace kindred::test
