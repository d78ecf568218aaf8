#include "nn/winograd_kernels.h"

#include <algorithm>
#include <array>
#include <utility>

#include "nn/winograd_transforms.h"

// oneDNN 2.6.3 has kernels of this kind (on AVX-512; 3.x has none), but takes the weights to the
// points for every slice. Products are half of the time here, and run at the machine's speed.

namespace kindred {
namespace {

using namespace winograd;

constexpr Index kPoints = 36;
// Tiles are kept by panels: [panel, group of 16 channels, tile of the panel, channel]. 14 x 2 of 32
// registers hold the sums of a product, and what it reads lies at constant distances.
constexpr Index kPanel = 14;
constexpr Index kGroup = kPanel * 16;  // floats of a panel's group
constexpr Index kForwardPanels = 2;    // tiles at once: they stay in L2 beside the weights
constexpr Index kBackwardPanels = 4;   // the sums over tiles are read and written less often

/// `panels` panels of C channels at all points. Points are a cache line more apart, so that they
/// fall into different sets.
struct Tiles {
  float* data;
  Index C;
  Index panels;

  static Index point_stride(Index C, Index panels) { return panels * C * kPanel + 16; }
  static Index floats(Index C, Index panels) { return kPoints * point_stride(C, panels); }

  Index point_stride() const { return point_stride(C, panels); }
  /// Tile `t` of channels [16 group, 16 group + 16) at the first point.
  float* at(Index t, Index group) const {
    return data + (t / kPanel * (C / 16) + group) * kGroup + t % kPanel * 16;
  }
  const float* panel(Index point, Index panel) const {
    return data + point * point_stride() + panel * C * kPanel;
  }
  float* panel(Index point, Index panel) {
    return data + point * point_stride() + panel * C * kPanel;
  }
};

/// Where a tile begins in an image; pixels outside of it are zeros.
struct Window {
  Index sample, row, col;
};

Window window(const WinogradPlan& plan, Index tile, Index padding) {
  const Index cols = plan.tile_cols();
  const Index rows = plan.tile_rows();
  return {tile / (rows * cols), tile / cols % rows * 4 - padding, tile % cols * 4 - padding};
}

/// The 16 channels of a group in a sample.
const float* image_of(const float* tensor, const Shape& shape, Index sample, Index group) {
  return tensor + (sample * shape.channels + group * 16) * shape.height * shape.width;
}

/// N x N pixels, zeros outside, at the points: to_points for src, diff_to_points for diff_dst.
template <int N, Column<6> (*kToPoints)(const Column<N>&)>
void take_tile(const Shape& shape, const float* image, const Window& at, float* dst, Index stride) {
  Column<6> half[N];  // columns of it are still pixels
  for (Index i = 0; i < N; ++i) {
    const Index h = at.row + i;
    if (h < 0 || h >= shape.height) {
      half[i] = {};
      continue;
    }
    const float* row = image + h * shape.width * 16;
    Column<N> pixels;
    for (Index j = 0; j < N; ++j) {
      const Index w = at.col + j;
      pixels[j] = w >= 0 && w < shape.width ? V::load(row + w * 16) : Float{};
    }
    half[i] = kToPoints(pixels);
  }
  for (Index j = 0; j < 6; ++j) {
    Column<N> pixels;
    for (Index i = 0; i < N; ++i) pixels[i] = half[i][j];
    const Column<6> column = kToPoints(pixels);
    for (Index i = 0; i < 6; ++i) V::store(dst + (6 * i + j) * stride, column[i]);
  }
}

/// Tiles [first, first + count) of a tensor that begin `padding` pixels further up and left.
template <int N, Column<6> (*kToPoints)(const Column<N>&)>
void take_tiles(const WinogradPlan& plan, const Shape& shape, const float* tensor, Index padding,
                Index first, Index count, const Tiles& tiles) {
  for (Index group = 0; group < shape.channels / 16; ++group) {
    for (Index t = 0; t < count; ++t) {
      const Window at = window(plan, first + t, padding);
      take_tile<N, kToPoints>(shape, image_of(tensor, shape, at.sample, group), at,
                              tiles.at(t, group), tiles.point_stride());
    }
  }
}

struct Finish {
  const float* bias;  ///< of the tile's 16 channels, or nullptr
  bool sum;
  bool relu;
};

/// A product at the points becomes 4x4 pixels of dst.
void give_tile(const Shape& shape, const float* src, Index stride, const Window& at,
               const Finish& finish, float* image) {
  Column<4> half[6];
  for (Index i = 0; i < 6; ++i) {
    Column<6> m;
    for (Index j = 0; j < 6; ++j) {
      m[j] = V::load(src + (6 * i + j) * stride);
    }
    half[i] = from_points(m);
  }
  const Float bias = finish.bias != nullptr ? V::load(finish.bias) : Float{};
  const Index rows = std::min<Index>(4, shape.height - at.row);
  for (Index j = 0; j < std::min<Index>(4, shape.width - at.col); ++j) {
    const auto column =
        from_points({{half[0][j], half[1][j], half[2][j], half[3][j], half[4][j], half[5][j]}});
    for (Index i = 0; i < rows; ++i) {
      float* to = image + ((at.row + i) * shape.width + at.col + j) * 16;
      Float y = column[i] + bias;
      if (finish.sum) y += V::load(to);
      V::store(to, finish.relu ? relu<16>(y) : y);
    }
  }
}

/// R tiles of a panel times 16 G channels of dst: dst [group, tile, channel] = src weights [C, 16
/// G].
template <int R, int G>
void multiply_tiles(const float* src, Index C, const float* weights, float* dst) {
  Float sums[R][G] = {};
  for (Index group = 0; group < C / 16; ++group, src += kGroup) {
    for (Index c = 0; c < 16; ++c, weights += 16 * G) {
      Float w[G];
      for (int g = 0; g < G; ++g) w[g] = V::load(weights + 16 * g);
      for (int r = 0; r < R; ++r) {
        const float x = src[16 * r + c];
        for (int g = 0; g < G; ++g) sums[r][g] += w[g] * x;
      }
    }
  }
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

/// Adds `count` tiles at a point to 8 rows (channels of src) and 16 G columns (of dst) of sums.
template <int G>
void add_products(const Tiles& src, const float* x, const Tiles& diff, const float* dy, Index count,
                  float* sums, bool first) {
  constexpr int kRows = 8;
  const Index O = diff.C;
  Float fresh[kRows][G] = {};
  for (int r = 0; r < kRows && !first; ++r) {
    for (int g = 0; g < G; ++g) fresh[r][g] = V::load(sums + r * O + 16 * g);
  }
  for (; count > 0; count -= kPanel, x += src.C * kPanel, dy += diff.C * kPanel) {
    for (Index t = 0; t < std::min(kPanel, count); ++t) {
      Float y[G];
      for (int g = 0; g < G; ++g) y[g] = V::load(dy + g * kGroup + 16 * t);
      for (int r = 0; r < kRows; ++r) {
        const float value = x[16 * t + r];
        for (int g = 0; g < G; ++g) fresh[r][g] += y[g] * value;
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int g = 0; g < G; ++g) V::store(sums + r * O + 16 * g, fresh[r][g]);
  }
}

/// sums [C, O] += (or =, `first`) src times diff_dst at a point, over `count` tiles.
void add_point(const Tiles& src, const Tiles& diff, Index point, Index count, float* sums,
               bool first) {
  const Index O = diff.C;
  for (Index c = 0; c < src.C; c += 8) {
    const float* x = src.panel(point, 0) + c / 16 * kGroup + c % 16;
    const float* dy = diff.panel(point, 0);
    float* to = sums + c * O;
    Index o = 0;
    for (; o + 32 <= O; o += 32) {
      add_products<2>(src, x, diff, dy + o / 16 * kGroup, count, to + o, first);
    }
    if (o < O) add_products<1>(src, x, diff, dy + o / 16 * kGroup, count, to + o, first);
  }
}

void add_bias(const WinogradPlan& plan, const float* diff_dst, float* diff_bias) {
  const Index pixels = plan.dst.height * plan.dst.width;
  for (Index group = 0; group < plan.dst.channels / 16; ++group) {
    Float sum{};
    for (Index n = 0; n < plan.S; ++n) {
      const float* dy = image_of(diff_dst, plan.dst, n, group);
      for (Index p = 0; p < pixels; ++p) sum += V::load(dy + 16 * p);
    }
    V::store(diff_bias + 16 * group, sum);
  }
}

/// Calls body(first tile, tiles) for blocks of at most so many panels.
template <typename F>
void for_blocks(Index tiles, Index panels, F&& body) {
  for (Index first = 0; first < tiles; first += panels * kPanel) {
    body(first, std::min(panels * kPanel, tiles - first));
  }
}

}  // namespace

void winograd_weights(const float* weights, Index C, Index O, bool turned, float* dst) {
  const Index matrix = C * O;
  const auto take = [&](Index from, Index to) {
    Column<6> half[3];
    for (Index kh = 0; kh < 3; ++kh) {
      Column<3> g;
      for (Index kw = 0; kw < 3; ++kw) {
        const Index tap = turned ? 8 - (3 * kh + kw) : 3 * kh + kw;
        g[kw] = V::load(weights + tap * matrix + from);
      }
      half[kh] = weights_to_points(g);
    }
    for (Index j = 0; j < 6; ++j) {
      const auto column = weights_to_points({{half[0][j], half[1][j], half[2][j]}});
      for (Index i = 0; i < 6; ++i) V::store(dst + (6 * i + j) * matrix + to, column[i]);
    }
  };
  for (Index block = 0; block < O; block += 32) {
    const Index width = std::min<Index>(32, O - block);
    for (Index c = 0; c < C; ++c) {
      for (Index o = 0; o < width; o += 16) {
        take(c * O + block + o, block * C + c * width + o);
      }
    }
  }
}

Index winograd_forward_floats(const WinogradPlan& plan) {
  return Tiles::floats(plan.src.channels, kForwardPanels) +
         Tiles::floats(plan.dst.channels, kForwardPanels);
}

void winograd_forward(const WinogradPlan& plan, const float* src, const float* points,
                      const float* bias, bool sum, bool relu, float* scratch, float* dst) {
  const Index C = plan.src.channels;
  const Index O = plan.dst.channels;
  Tiles x{scratch, C, kForwardPanels};
  Tiles y{scratch + Tiles::floats(C, kForwardPanels), O, kForwardPanels};
  for_blocks(plan.tiles(), kForwardPanels, [&](Index first, Index count) {
    take_tiles<6, to_points>(plan, plan.src, src, plan.padding, first, count, x);
    for (Index point = 0; point < kPoints; ++point) {
      for (Index panel = 0; panel * kPanel < count; ++panel) {
        const Index used = std::min(kPanel, count - panel * kPanel);
        kMultiplyPanel[static_cast<std::size_t>(used - 1)](
            x.panel(point, panel), C, points + point * C * O, O, y.panel(point, panel));
      }
    }
    for (Index group = 0; group < O / 16; ++group) {
      const Finish finish{bias == nullptr ? nullptr : bias + 16 * group, sum, relu};
      for (Index t = 0; t < count; ++t) {
        const Window at = window(plan, first + t, 0);
        give_tile(plan.dst, y.at(t, group), y.point_stride(), at, finish,
                  const_cast<float*>(image_of(dst, plan.dst, at.sample, group)));
      }
    }
  });
}

Index winograd_backward_weights_floats(const WinogradPlan& plan) {
  return Tiles::floats(plan.src.channels, kBackwardPanels) +
         Tiles::floats(plan.dst.channels, kBackwardPanels) + plan.point_floats();
}

void winograd_backward_weights(const WinogradPlan& plan, const float* src, const float* diff_dst,
                               float* scratch, float* diff_weights, float* diff_bias) {
  const Index C = plan.src.channels;
  const Index O = plan.dst.channels;
  Tiles x{scratch, C, kBackwardPanels};
  Tiles dy{scratch + Tiles::floats(C, kBackwardPanels), O, kBackwardPanels};
  float* sums = dy.data + Tiles::floats(O, kBackwardPanels);
  for_blocks(plan.tiles(), kBackwardPanels, [&](Index first, Index count) {
    take_tiles<6, to_points>(plan, plan.src, src, plan.padding, first, count, x);
    take_tiles<4, diff_to_points>(plan, plan.dst, diff_dst, 0, first, count, dy);
    for (Index point = 0; point < kPoints; ++point) {
      add_point(x, dy, point, count, sums + point * C * O, first == 0);
    }
  });
  const Index matrix = C * O;
  for (Index i = 0; i < matrix; i += 16) {
    Column<3> half[6];
    for (Index p = 0; p < 6; ++p) {
      Column<6> e;
      for (Index j = 0; j < 6; ++j) {
        e[j] = V::load(sums + (6 * p + j) * matrix + i);
      }
      half[p] = weights_from_points(e);
    }
    for (Index kw = 0; kw < 3; ++kw) {
      const auto column = weights_from_points(
          {{half[0][kw], half[1][kw], half[2][kw], half[3][kw], half[4][kw], half[5][kw]}});
      for (Index kh = 0; kh < 3; ++kh) {
        V::store(diff_weights + (3 * kh + kw) * matrix + i, column[kh]);
      }
    }
  }
  if (diff_bias != nullptr) add_bias(plan, diff_dst, diff_bias);
}

}  // namespace kindred
