#include "nn/kernels/winograd_products.h"

#include <array>
#include <utility>

#include "nn/kernels/vector.h"

namespace kindred::winograd {
namespace {

using V = Vector<16>;
using Float = V::Float;

/// R tiles of a panel times 16 G channels of dst: dst [group, tile, channel] = src weights [C, 16
/// G].
template <int R, int G>
void multiply_tiles(const float* src, Index C, const float* weights, float* dst) {
  Float sums[R][G] = {};
  // At least once, so that the sums need not lie in memory as well, for a loop that never ran.
  do {
    for (Index c = 0; c < 16; ++c, weights += 16 * G) {
      Float w[G];
      for (int g = 0; g < G; ++g) w[g] = V::load(weights + 16 * g);
      for (int r = 0; r < R; ++r) {
        const float x = src[16 * r + c];
        for (int g = 0; g < G; ++g) sums[r][g] += w[g] * x;
      }
    }
    src += kGroup;
    C -= 16;
  } while (C > 0);
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < G; ++g) V::store(dst + g * kGroup + 16 * r, sums[r][g]);
  }
}

/// All channels of dst for a panel in which R tiles are in use.
template <int R>
void multiply_panel(const float* src, Index C, const float* weights, Index O, float* dst) {
  Index o = 0;
  for (; o + 32 <= O; o += 32) {
    multiply_tiles<R, 2>(src, C, weights + o * C, dst + o / 16 * kGroup);
  }
  if (o < O) multiply_tiles<R, 1>(src, C, weights + o * C, dst + o / 16 * kGroup);
}

using MultiplyPanel = void (*)(const float*, Index, const float*, Index, float*);
template <int... R>
constexpr std::array<MultiplyPanel, sizeof...(R)> panels_of(std::integer_sequence<int, R...>) {
  return {multiply_panel<R + 1>...};
}
constexpr auto kMultiplyPanel = panels_of(std::make_integer_sequence<int, kPanel>());

/// Adds all tiles at a point to 8 rows (channels of src, from `x`) and 16 G columns (of diff_dst,
/// from `dy`) of sums.
template <int G>
void add_products(const Tiles& src, const float* x, const Tiles& diff_dst, const float* dy,
                  float* sums, bool first) {
  constexpr int kRows = 8;
  const Index O = diff_dst.C;
  Float fresh[kRows][G] = {};
  for (int r = 0; r < kRows && !first; ++r) {
    for (int g = 0; g < G; ++g) fresh[r][g] = V::load(sums + r * O + 16 * g);
  }
  for (Index panel = 0; panel < src.panels(); ++panel) {
    const Index used = src.used(panel);
    for (Index t = 0; t < used; ++t) {
      Float y[G];
      for (int g = 0; g < G; ++g) y[g] = V::load(dy + g * kGroup + 16 * t);
      for (int r = 0; r < kRows; ++r) {
        const float value = x[16 * t + r];
        for (int g = 0; g < G; ++g) fresh[r][g] += y[g] * value;
      }
    }
    x += src.C * kPanel;
    dy += diff_dst.C * kPanel;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int g = 0; g < G; ++g) V::store(sums + r * O + 16 * g, fresh[r][g]);
  }
}

}  // namespace

void multiply_point(const Tiles& src, const float* weights, const Tiles& dst, Index point) {
  for (Index panel = 0; panel < src.panels(); ++panel) {
    kMultiplyPanel[static_cast<std::size_t>(src.used(panel) - 1)](
        src.panel(point, panel), src.C, weights, dst.C, dst.panel(point, panel));
  }
}

void add_point(const Tiles& src, const Tiles& diff_dst, Index point, float* sums, bool first) {
  const Index O = diff_dst.C;
  for (Index c = 0; c < src.C; c += 8) {
    const float* x = src.panel(point, 0) + c / 16 * kGroup + c % 16;
    const float* dy = diff_dst.panel(point, 0);
    float* to = sums + c * O;
    Index o = 0;
    for (; o + 32 <= O; o += 32) {
      add_products<2>(src, x, diff_dst, dy + o / 16 * kGroup, to + o, first);
    }
    if (o < O) add_products<1>(src, x, diff_dst, dy + o / 16 * kGroup, to + o, first);
  }
}

}  // namespace kindred::winograd
