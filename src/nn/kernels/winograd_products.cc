#include "nn/kernels/winograd_products.h"

#include <array>
#include <utility>

#include "nn/kernels/vector.h"

namespace kindred::winograd {
namespace {

using V = Vector<kLanes>;
using Float = V::Float;

/// R tiles of a panel times G groups of dst: dst [group, tile, channel] = src weights [C, G
/// groups].
template <int R, int G>
void multiply_tiles(const float* src, Index C, const float* weights, float* dst) {
  Float sums[R][G] = {};
  // At least once, so that the sums need not lie in memory as well, for a loop that never ran.
  do {
    for (Index c = 0; c < kLanes; ++c, weights += kLanes * G) {
      Float w[G];
      for (int g = 0; g < G; ++g) w[g] = V::load(weights + kLanes * g);
      for (int r = 0; r < R; ++r) {
        const float x = src[kLanes * r + c];
        for (int g = 0; g < G; ++g) sums[r][g] += w[g] * x;
      }
    }
    src += kGroup;
    C -= kLanes;
  } while (C > 0);
  for (int r = 0; r < R; ++r) {
    for (int g = 0; g < G; ++g) V::store(dst + g * kGroup + kLanes * r, sums[r][g]);
  }
}

/// All channels of dst for a panel in which R tiles are in use.
template <int R>
void multiply_panel(const float* src, Index C, const float* weights, Index O, float* dst) {
  Index o = 0;
  for (; o + 2 * kLanes <= O; o += 2 * kLanes) {
    multiply_tiles<R, 2>(src, C, weights + o * C, dst + o / kLanes * kGroup);
  }
  if (o < O) multiply_tiles<R, 1>(src, C, weights + o * C, dst + o / kLanes * kGroup);
}

using MultiplyPanel = void (*)(const float*, Index, const float*, Index, float*);
template <int... R>
constexpr std::array<MultiplyPanel, sizeof...(R)> panels_of(std::integer_sequence<int, R...>) {
  return {multiply_panel<R + 1>...};
}
constexpr auto kMultiplyPanel = panels_of(std::make_integer_sequence<int, kPanel>());

// The sums that are added to at once: channels of src by groups of diff_dst.
constexpr int kRows = kLevel >= Isa::v4 ? 8 : 4;
constexpr int kCols = kLevel >= Isa::v4 ? 2 : 3;

/// Adds all tiles at a point to kRows channels of src, from `x`, and G groups of diff_dst, from
/// `dy`.
template <int G>
void add_products(const Tiles& src, const float* x, const Tiles& diff_dst, const float* dy,
                  float* sums, bool first) {
  const Index O = diff_dst.C;
  Float fresh[kRows][G] = {};
  for (int r = 0; r < kRows && !first; ++r) {
    for (int g = 0; g < G; ++g) fresh[r][g] = V::load(sums + r * O + kLanes * g);
  }
  for (Index panel = 0; panel < src.panels(); ++panel) {
    const Index used = src.used(panel);
    for (Index t = 0; t < used; ++t) {
      Float y[G];
      for (int g = 0; g < G; ++g) y[g] = V::load(dy + g * kGroup + kLanes * t);
      for (int r = 0; r < kRows; ++r) {
        const float value = x[kLanes * t + r];
        for (int g = 0; g < G; ++g) fresh[r][g] += y[g] * value;
      }
    }
    x += src.C * kPanel;
    dy += diff_dst.C * kPanel;
  }
  for (int r = 0; r < kRows; ++r) {
    for (int g = 0; g < G; ++g) V::store(sums + r * O + kLanes * g, fresh[r][g]);
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
  for (Index c = 0; c < src.C; c += kRows) {
    const float* x = src.panel(point, 0) + c / kLanes * kGroup + c % kLanes;
    const float* dy = diff_dst.panel(point, 0);
    float* to = sums + c * O;
    Index o = 0;
    const auto add = [&]<int G>() {
      add_products<G>(src, x, diff_dst, dy + o / kLanes * kGroup, to + o, first);
      o += G * kLanes;
    };
    while (o + kCols * kLanes <= O) add.template operator()<kCols>();
    if (kCols > 2 && o + 2 * kLanes <= O) add.template operator()<2>();
    if (o < O) add.template operator()<1>();
  }
}

}  // namespace kindred::winograd
