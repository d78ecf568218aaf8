#include "nn/winograd_kernels.h"

#include <algorithm>
#include <array>
#include <type_traits>
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
const Bfloat16* image_of(const Bfloat16* tensor, const Shape& shape, Index sample, Index group) {
  return tensor + sample * shape.size() + group * 16;
}

/// Numbers from a pixel of a group to the next.
template <typename T>
Index pixel_stride(const Shape& shape) {
  return std::is_same_v<T, float> ? 16 : shape.channels;
}

/// N x N pixels, zeros outside, at the points: to_points for src, diff_to_points for diff_dst.
template <int N, Column<6> (*kToPoints)(const Column<N>&), typename T>
void take_tile(const Shape& shape, const T* image, const Window& at, float* dst, Index stride) {
  const Index step = pixel_stride<T>(shape);
  Column<6> half[N];  // columns of it are still pixels
  for (Index i = 0; i < N; ++i) {
    const Index h = at.row + i;
    if (h < 0 || h >= shape.height) {
      half[i] = {};
      continue;
    }
    const T* row = image + h * shape.width * step;
    Column<N> pixels;
    for (Index j = 0; j < N; ++j) {
      const Index w = at.col + j;
      pixels[j] = w >= 0 && w < shape.width ? V::load(row + w * step) : Float{};
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

/// Tiles that are worked on at once.
struct Block {
  Index first;
  Index count;

  Block(const WinogradPlan& plan, Index panels, Index number)
      : first(number * panels * kPanel), count(std::min(panels * kPanel, plan.tiles() - first)) {}
};

Index count_blocks(const WinogradPlan& plan, Index panels) {
  return blocks_of(plan.tiles(), panels * kPanel);
}

/// 16 channels of the tiles of a block of a tensor, which begin `padding` pixels further up and
/// left.
template <int N, Column<6> (*kToPoints)(const Column<N>&), typename T>
void take_tiles(const WinogradPlan& plan, const Shape& shape, const T* tensor, Index padding,
                const Block& block, Index group, const Tiles& tiles) {
  for (Index t = 0; t < block.count; ++t) {
    const Window at = window(plan, block.first + t, padding);
    take_tile<N, kToPoints>(shape, image_of(tensor, shape, at.sample, group), at,
                            tiles.at(t, group), tiles.point_stride());
  }
}

struct Finish {
  const float* bias;  ///< of the tile's 16 channels, or nullptr
  bool sum;
  bool relu;
};

/// A product at the points becomes 4x4 pixels of dst.
template <typename T>
void give_tile(const Shape& shape, const float* src, Index stride, const Window& at,
               const Finish& finish, T* image) {
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
      T* to = image + ((at.row + i) * shape.width + at.col + j) * pixel_stride<T>(shape);
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

/// What a gradient keeps in its scratch.
struct GradientScratch {
  Tiles src;
  Tiles diff_dst;
  float* sums;  // [points, C, O], point_stride() apart

  GradientScratch(const WinogradPlan& plan, float* scratch)
      : src{scratch, plan.src.channels, kBackwardPanels},
        diff_dst{scratch + Tiles::floats(plan.src.channels, kBackwardPanels), plan.dst.channels,
                 kBackwardPanels},
        sums(diff_dst.data + Tiles::floats(plan.dst.channels, kBackwardPanels)) {}
};

}  // namespace

void WinogradWeights::run(Index part) const {
  const Index stride = WinogradPlan::point_stride(C, O);
  const auto take = [&](const float* from, float* to) {
    Column<6> half[3];
    for (Index kh = 0; kh < 3; ++kh) {
      Column<3> g;
      for (Index kw = 0; kw < 3; ++kw) {
        const Index tap = turned ? 8 - (3 * kh + kw) : 3 * kh + kw;
        g[kw] = V::gather(from + tap, o_stride);
      }
      half[kh] = weights_to_points(g);
    }
    for (Index j = 0; j < 6; ++j) {
      const auto column = weights_to_points({{half[0][j], half[1][j], half[2][j]}});
      for (Index i = 0; i < 6; ++i) V::store(to + (6 * i + j) * stride, column[i]);
    }
  };
  for (Index block = 0; block < O; block += 32) {
    const Index width = std::min<Index>(32, O - block);
    for (Index c = 16 * part; c < 16 * part + 16; ++c) {
      for (Index o = 0; o < width; o += 16) {
        take(weights + c * c_stride + (block + o) * o_stride, dst + block * C + c * width + o);
      }
    }
  }
}

Index winograd_parts(const WinogradPlan& plan) { return count_blocks(plan, kForwardPanels); }

Index winograd_scratch_floats(const WinogradPlan& plan) {
  return Tiles::floats(plan.src.channels, kForwardPanels) +
         Tiles::floats(plan.dst.channels, kForwardPanels);
}

template <typename T>
void WinogradForward<T>::run(Index part, float* scratch) const {
  const Index C = plan.src.channels;
  const Index O = plan.dst.channels;
  const Block block(plan, kForwardPanels, part);
  Tiles x{scratch, C, kForwardPanels};
  Tiles y{scratch + Tiles::floats(C, kForwardPanels), O, kForwardPanels};
  for (Index group = 0; group < C / 16; ++group) {
    take_tiles<6, to_points>(plan, plan.src, src, plan.padding, block, group, x);
  }
  for (Index point = 0; point < kPoints; ++point) {
    for (Index panel = 0; panel * kPanel < block.count; ++panel) {
      const Index used = std::min(kPanel, block.count - panel * kPanel);
      kMultiplyPanel[static_cast<std::size_t>(used - 1)](
          x.panel(point, panel), C, points + point * plan.point_stride(), O, y.panel(point, panel));
    }
  }
  for (Index group = 0; group < O / 16; ++group) {
    const Finish finish{bias == nullptr ? nullptr : bias + 16 * group, sum, relu};
    for (Index t = 0; t < block.count; ++t) {
      const Window at = window(plan, block.first + t, 0);
      give_tile(plan.dst, y.at(t, group), y.point_stride(), at, finish,
                const_cast<T*>(image_of(dst, plan.dst, at.sample, group)));
    }
  }
}

Index winograd_gradient_scratch_floats(const WinogradPlan& plan) {
  return Tiles::floats(plan.src.channels, kBackwardPanels) +
         Tiles::floats(plan.dst.channels, kBackwardPanels) + plan.point_floats();
}

template <typename T>
Index WinogradGradient<T>::blocks() const {
  return count_blocks(plan, kBackwardPanels);
}

template <typename T>
void WinogradGradient<T>::take(Index block, Index part) const {
  const GradientScratch of(plan, scratch);
  const Block tiles(plan, kBackwardPanels, block);
  const Index groups = plan.src.channels / 16;
  if (part < groups) {
    take_tiles<6, to_points>(plan, plan.src, src, plan.padding, tiles, part, of.src);
  } else {
    take_tiles<4, diff_to_points>(plan, plan.dst, diff_dst, 0, tiles, part - groups, of.diff_dst);
  }
}

template <typename T>
void WinogradGradient<T>::multiply(Index block, Index part) const {
  const GradientScratch of(plan, scratch);
  const Block tiles(plan, kBackwardPanels, block);
  constexpr Index kEach = kPoints / kMultiplyParts;
  for (Index point = part * kEach; point < (part + 1) * kEach; ++point) {
    add_point(of.src, of.diff_dst, point, tiles.count, of.sums + point * plan.point_stride(),
              block == 0);
  }
}

template <typename T>
void WinogradGradient<T>::finish(Index part) const {
  const float* sums = GradientScratch(plan, scratch).sums;
  const Index matrix = plan.src.channels * plan.dst.channels;
  const Index vectors = matrix / 16;
  for (Index v = part * vectors / kFinishParts; v < (part + 1) * vectors / kFinishParts; ++v) {
    const Index i = 16 * v;
    Column<3> half[6];
    for (Index p = 0; p < 6; ++p) {
      Column<6> e;
      for (Index j = 0; j < 6; ++j) {
        e[j] = V::load(sums + (6 * p + j) * plan.point_stride() + i);
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
}

template <typename T>
void winograd_backward_bias(const WinogradPlan& plan, const T* diff_dst, float* diff_bias) {
  const Index pixels = plan.dst.height * plan.dst.width;
  for (Index group = 0; group < plan.dst.channels / 16; ++group) {
    Float sum{};
    for (Index n = 0; n < plan.S; ++n) {
      const T* dy = image_of(diff_dst, plan.dst, n, group);
      for (Index p = 0; p < pixels; ++p) sum += V::load(dy + p * pixel_stride<T>(plan.dst));
    }
    V::store(diff_bias + 16 * group, sum);
  }
}

template struct WinogradForward<float>;
template struct WinogradForward<Bfloat16>;
template struct WinogradGradient<float>;
template struct WinogradGradient<Bfloat16>;
template void winograd_backward_bias(const WinogradPlan&, const float*, float*);
template void winograd_backward_bias(const WinogradPlan&, const Bfloat16*, float*);

}  // namespace kindred
