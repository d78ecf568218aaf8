#include "nn/kernels/winograd_kernels.h"

#include <algorithm>
#include <type_traits>

#include "nn/kernels/activation_loops.h"
#include "nn/kernels/winograd_products.h"
#include "nn/kernels/winograd_transforms.h"

// oneDNN 2.6.3 has kernels of this kind (on AVX-512; 3.x has none), but takes the weights to the
// points for every slice. Products are half of the time here, and run at the machine's speed.

namespace kindred {
namespace {

using namespace winograd;

// Panels of tiles at once: forward they stay in L2; backward the sums over tiles are read and
// written less often. With 6 tiles a panel and 64 channels, 3 panels are 170 KB forward, 6 are 660
// KB backward; on a Zen 3 (L2 of 512 KiB) 2 to 5 and 4 to 8 take the same time within the noise. At
// 128 channels more are slower: products forward at 79, 76, 70, 71 % of the peak with 2, 3, 4, 5.
constexpr Index kForwardPanels = kLevel >= Isa::v4 ? 2 : 3;
constexpr Index kBackwardPanels = kLevel >= Isa::v4 ? 5 : 6;

/// Where a tile begins in an image; pixels outside of it are zeros.
struct Window {
  Index sample, row, col;
};

Window window(const WinogradPlan& plan, Index tile, Index padding) {
  const Index cols = plan.tile_cols();
  const Index rows = plan.tile_rows();
  return {tile / (rows * cols), tile / cols % rows * plan.tile - padding,
          tile % cols * plan.tile - padding};
}

/// The channels of a group in a sample.
const float* image_of(const float* tensor, const Shape& shape, Index sample, Index group) {
  return tensor + (sample * shape.channels + group * kLanes) * shape.height * shape.width;
}
const Bfloat16* image_of(const Bfloat16* tensor, const Shape& shape, Index sample, Index group) {
  return tensor + sample * shape.size() + group * kLanes;
}

/// Numbers from a pixel of a group to the next.
template <typename T>
Index pixel_stride(const Shape& shape) {
  return std::is_same_v<T, float> ? kLanes : shape.channels;
}

/// The input transform: N x N pixels, zeros outside, at P x P points, by src_to_points or
/// dst_to_points.
template <int P, int N, Column<P> (*kToPoints)(const Column<N>&), typename T>
void input_transform(const Shape& shape, const T* image, const Window& at, float* dst,
                     Index stride) {
  const Index step = pixel_stride<T>(shape);
  Column<P> half[N];  // columns of it are still pixels
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
  for (Index j = 0; j < P; ++j) {
    Column<N> pixels;
    for (Index i = 0; i < N; ++i) pixels[i] = half[i][j];
    const Column<P> column = kToPoints(pixels);
    for (Index i = 0; i < P; ++i) V::store(dst + (P * i + j) * stride, column[i]);
  }
}

/// Tiles that are worked on at once: all of a plan's, in equal shares.
struct Block {
  Index first;
  Index count;

  Block(const WinogradPlan& plan, Index blocks, Index number)
      : first(plan.tiles() * number / blocks),
        count(plan.tiles() * (number + 1) / blocks - first) {}
};

Index count_blocks(const WinogradPlan& plan, Index panels) {
  return blocks_of(plan.tiles(), panels * kPanel);
}

/// The input transform of a group of the tiles of a block of a tensor.
template <int P, int N, Column<P> (*kToPoints)(const Column<N>&), typename T>
void transform_tiles(const WinogradPlan& plan, const Shape& shape, const T* tensor, Index padding,
                     const Block& block, Index group, const Tiles& tiles) {
  for (Index t = 0; t < block.count; ++t) {
    const Window at = window(plan, block.first + t, padding);
    input_transform<P, N, kToPoints>(shape, image_of(tensor, shape, at.sample, group), at,
                                     tiles.at(t, group), tiles.point_stride);
  }
}

/// Tiles of src, which begin `padding` pixels further up and left than dst's.
template <typename T>
void transform_src(const WinogradPlan& plan, const T* src, const Block& block, Index group,
                   const Tiles& tiles) {
  with_transforms(plan.tile, [&]<int M>(Transforms<M> /*by*/) {
    transform_tiles<M + 2, M + 2, Transforms<M>::src_to_points>(plan, plan.src, src, plan.padding,
                                                                block, group, tiles);
  });
}

template <typename T>
void transform_diff_dst(const WinogradPlan& plan, const T* diff_dst, const Block& block,
                        Index group, const Tiles& tiles) {
  with_transforms(plan.tile, [&]<int M>(Transforms<M> /*by*/) {
    transform_tiles<M + 2, M, Transforms<M>::dst_to_points>(plan, plan.dst, diff_dst, 0, block,
                                                            group, tiles);
  });
}

struct Finish {
  const float* bias;  ///< of the tile's group, or nullptr
  bool sum;
  Activation activation;  ///< of the tile's group
};

/// The output transform: a product at the points becomes M x M pixels of dst.
template <int M, ActivationKind kind, typename T>
void output_transform(const Shape& shape, const float* src, Index stride, const Window& at,
                      const Finish& finish, T* image) {
  constexpr int P = M + 2;
  Column<M> half[P];
  for (Index i = 0; i < P; ++i) {
    Column<P> m;
    for (Index j = 0; j < P; ++j) m[j] = V::load(src + (P * i + j) * stride);
    half[i] = Transforms<M>::dst_from_points(m);
  }
  const Float bias = finish.bias != nullptr ? V::load(finish.bias) : Float{};
  const Float slope = slopes_at<kLanes, kind>(finish.activation, 0);
  const Index rows = std::min<Index>(M, shape.height - at.row);
  for (Index j = 0; j < std::min<Index>(M, shape.width - at.col); ++j) {
    Column<P> m;
    for (Index i = 0; i < P; ++i) m[i] = half[i][j];
    const Column<M> column = Transforms<M>::dst_from_points(m);
    for (Index i = 0; i < rows; ++i) {
      T* to = image + ((at.row + i) * shape.width + at.col + j) * pixel_stride<T>(shape);
      Float y = column[i] + bias;
      if (finish.sum) y += V::load(to);
      V::store(to, activated<kLanes, kind>(y, slope));
    }
  }
}

/// What a convolution keeps in its scratch. src and dst share a buffer: dst at point p overwrites
/// src at p - 1, already used.
struct ForwardScratch {
  Tiles src;
  Tiles dst;

  ForwardScratch(const WinogradPlan& plan, Index count, float* scratch)
      : src{scratch + stride(plan), plan.src.channels, count, stride(plan)},
        dst{scratch, plan.dst.channels, count, stride(plan)} {}

  static Index stride(const WinogradPlan& plan) {
    return Tiles::floats(std::max(plan.src.channels, plan.dst.channels), kForwardPanels);
  }
};

/// What a gradient keeps in its scratch.
struct GradientScratch {
  Tiles src;
  Tiles diff_dst;
  float* sums;  // [points, C, O], point_stride() apart

  GradientScratch(const WinogradPlan& plan, Index count, float* scratch)
      : src{scratch, plan.src.channels, count, stride(plan.src)},
        diff_dst{src.data + plan.points() * src.point_stride, plan.dst.channels, count,
                 stride(plan.dst)},
        sums(diff_dst.data + plan.points() * diff_dst.point_stride) {}

  static Index stride(const Shape& shape) { return Tiles::floats(shape.channels, kBackwardPanels); }
};

void transform_filter(const WinogradWeights& of, Index part) {
  const Index stride = WinogradPlan::point_stride(of.C, of.O);
  const auto transform = [&]<int M>(const float* from, float* to, Transforms<M> /*by*/) {
    constexpr Index P = M + 2;
    Column<M + 2> half[3];
    for (Index kh = 0; kh < 3; ++kh) {
      Column<3> g;
      for (Index kw = 0; kw < 3; ++kw) {
        const Index tap = of.rotated ? 8 - (3 * kh + kw) : 3 * kh + kw;
        g[kw] = V::gather(from + tap, of.o_stride);
      }
      half[kh] = Transforms<M>::weights_to_points(g);
    }
    for (Index j = 0; j < P; ++j) {
      const auto column = Transforms<M>::weights_to_points({{half[0][j], half[1][j], half[2][j]}});
      for (Index i = 0; i < P; ++i) V::store(to + (P * i + j) * stride, column[i]);
    }
  };
  const Index first = of.C * part / of.parts();
  const Index end = of.C * (part + 1) / of.parts();
  with_transforms(of.tile, [&](auto transforms) {
    for (Index block = 0; block < of.O; block += 2 * kLanes) {
      const Index width = std::min<Index>(2 * kLanes, of.O - block);
      for (Index c = first; c < end; ++c) {
        for (Index o = 0; o < width; o += kLanes) {
          transform(of.weights + c * of.c_stride + (block + o) * of.o_stride,
                    of.dst + block * of.C + c * width + o, transforms);
        }
      }
    }
  });
}

Index forward_parts(const WinogradPlan& plan) { return count_blocks(plan, kForwardPanels); }

Index forward_scratch(const WinogradPlan& plan) {
  return (plan.points() + 1) * ForwardScratch::stride(plan);
}

template <typename T>
void forward(const WinogradForward<T>& of, Index part, float* scratch) {
  const WinogradPlan& plan = of.plan;
  const Block block(plan, forward_parts(plan), part);
  const ForwardScratch at(plan, block.count, scratch);
  for (Index group = 0; group < plan.src.channels / kLanes; ++group) {
    transform_src(plan, of.src, block, group, at.src);
  }
  for (Index point = 0; point < plan.points(); ++point) {
    multiply_point(at.src, of.points + point * plan.point_stride(), at.dst, point);
  }
  const auto write = [&]<int M, ActivationKind kind>() {
    for (Index group = 0; group < plan.dst.channels / kLanes; ++group) {
      const Finish finish{of.bias == nullptr ? nullptr : of.bias + kLanes * group, of.sum,
                          of.activation.from(kLanes * group)};
      for (Index t = 0; t < block.count; ++t) {
        const Window to = window(plan, block.first + t, 0);
        output_transform<M, kind>(plan.dst, at.dst.at(t, group), at.dst.point_stride, to, finish,
                                  const_cast<T*>(image_of(of.dst, plan.dst, to.sample, group)));
      }
    }
  };
  with_transforms(plan.tile, [&]<int M>(Transforms<M> /*by*/) {
    with_piecewise_linear(of.activation,
                          [&]<ActivationKind kind>() { write.template operator()<M, kind>(); });
  });
}

Index gradient_scratch(const WinogradPlan& plan) {
  return plan.points() * (GradientScratch::stride(plan.src) + GradientScratch::stride(plan.dst)) +
         plan.point_floats();
}

Index gradient_blocks(const WinogradPlan& plan) { return count_blocks(plan, kBackwardPanels); }

template <typename T>
void gradient_transform(const WinogradGradient<T>& of, Index block, Index part) {
  const WinogradPlan& plan = of.plan;
  const Block tiles(plan, gradient_blocks(plan), block);
  const GradientScratch at(plan, tiles.count, of.scratch);
  const Index groups = plan.src.channels / kLanes;
  if (part < groups) {
    transform_src(plan, of.src, tiles, part, at.src);
  } else {
    transform_diff_dst(plan, of.diff_dst, tiles, part - groups, at.diff_dst);
  }
}

template <typename T>
void gradient_multiply(const WinogradGradient<T>& of, Index block, Index part) {
  constexpr Index kParts = WinogradGradient<T>::kMultiplyParts;
  const WinogradPlan& plan = of.plan;
  const GradientScratch at(plan, Block(plan, gradient_blocks(plan), block).count, of.scratch);
  const Index end = (part + 1) * plan.points() / kParts;
  for (Index point = part * plan.points() / kParts; point < end; ++point) {
    add_point(at.src, at.diff_dst, point, at.sums + point * plan.point_stride(), block == 0);
  }
}

template <typename T>
void gradient_finish(const WinogradGradient<T>& of, Index part) {
  constexpr Index kParts = WinogradGradient<T>::kFinishParts;
  const WinogradPlan& plan = of.plan;
  const float* sums = GradientScratch(plan, 0, of.scratch).sums;
  const Index matrix = plan.src.channels * plan.dst.channels;
  const Index vectors = matrix / kLanes;
  with_transforms(plan.tile, [&]<int M>(Transforms<M> /*by*/) {
    constexpr int P = M + 2;
    for (Index v = part * vectors / kParts; v < (part + 1) * vectors / kParts; ++v) {
      const Index i = kLanes * v;
      Column<3> half[P];
      for (Index p = 0; p < P; ++p) {
        Column<P> e;
        for (Index j = 0; j < P; ++j) {
          e[j] = V::load(sums + (P * p + j) * plan.point_stride() + i);
        }
        half[p] = Transforms<M>::weights_from_points(e);
      }
      for (Index kw = 0; kw < 3; ++kw) {
        Column<P> e;
        for (Index p = 0; p < P; ++p) e[p] = half[p][kw];
        const auto column = Transforms<M>::weights_from_points(e);
        for (Index kh = 0; kh < 3; ++kh) {
          V::store(of.diff_weights + (3 * kh + kw) * matrix + i, column[kh]);
        }
      }
    }
  });
}

template <typename T>
void backward_bias(const WinogradPlan& plan, const T* diff_dst, float* diff_bias) {
  const Index pixels = plan.dst.height * plan.dst.width;
  for (Index group = 0; group < plan.dst.channels / kLanes; ++group) {
    Float sum{};
    for (Index n = 0; n < plan.S; ++n) {
      const T* dy = image_of(diff_dst, plan.dst, n, group);
      for (Index p = 0; p < pixels; ++p) sum += V::load(dy + p * pixel_stride<T>(plan.dst));
    }
    V::store(diff_bias + kLanes * group, sum);
  }
}

template <typename T>
constexpr WinogradKernels<T> kWinogradKernels{kLanes,
                                              transform_filter,
                                              forward_parts,
                                              forward_scratch,
                                              forward<T>,
                                              gradient_scratch,
                                              gradient_blocks,
                                              gradient_transform<T>,
                                              gradient_multiply<T>,
                                              gradient_finish<T>,
                                              backward_bias<T>};

}  // namespace

KINDRED_OFFER(WinogradKernels<float>, kWinogradKernels<float>);
KINDRED_OFFER(WinogradKernels<Bfloat16>, kWinogradKernels<Bfloat16>);

}  // namespace kindred
