#include "nn/kernels/winograd_products.h"

#include <algorithm>
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

/// Where the tiles of kRows channels of src and of G groups of diff_dst lie.
struct Factors {
  const float* x;
  const float* dy;
  Index x_panel;  ///< floats from a panel to the next
  Index dy_panel;
};

/// Adds `count` tiles, `each` (the last fewer) of a panel, to kRows x G sums.
template <int G>
void add_products(Factors at, Index count, Index each, Index O, float* sums, bool first) {
  Float fresh[kRows][G] = {};
  for (int r = 0; r < kRows && !first; ++r) {
    for (int g = 0; g < G; ++g) fresh[r][g] = V::load(sums + r * O + kLanes * g);
  }
  // At least once, as above.
  do {
    const float* x = at.x;
    const float* dy = at.dy;
    const float* end = x + std::min(each, count) * kLanes;
    do {
      Float y[G];
      for (int g = 0; g < G; ++g) y[g] = V::load(dy + g * kGroup);
      for (int r = 0; r < kRows; ++r) {
        for (int g = 0; g < G; ++g) fresh[r][g] += y[g] * x[r];
      }
      x += kLanes;
      dy += kLanes;
    } while (x != end);
    at.x += at.x_panel;
    at.dy += at.dy_panel;
    count -= each;
  } while (count > 0);
  for (int r = 0; r < kRows; ++r) {
    for (int g = 0; g < G; ++g) V::store(sums + r * O + kLanes * g, fresh[r][g]);
  }
}

}  // namespace

void multiply_point(const Tiles& src, const float* weights, const Tiles& dst, Index point) {
  const Index each = src.panel_tiles();
  for (Index panel = 0; panel * each < src.count; ++panel) {
    const Index used = std::min(each, src.count - panel * each);
    kMultiplyPanel[static_cast<std::size_t>(used - 1)](src.panel(point, panel), src.C, weights,
                                                       dst.C, dst.panel(point, panel));
  }
}

void add_point(const Tiles& src, const Tiles& diff_dst, Index point, float* sums, bool first) {
  const Index O = diff_dst.C;
  const Index each = src.panel_tiles();
  for (Index c = 0; c < src.C; c += kRows) {
    Factors at{src.panel(point, 0) + c / kLanes * kGroup + c % kLanes, diff_dst.panel(point, 0),
               src.C * kPanel, O * kPanel};
    Index o = 0;
    const auto add = [&]<int G>() {
      add_products<G>(at, src.count, each, O, sums + c * O + o, first);
      at.dy += G * kGroup;
      o += G * kLanes;
    };
    while (o + kCols * kLanes <= O) add.template operator()<kCols>();
    if (kCols > 2 && o + 2 * kLanes <= O) add.template operator()<2>();
    if (o < O) add.template operator()<1>();
  }
}

}  // namespace kindred::winograd
