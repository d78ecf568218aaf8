#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"
#include "kindred/core/shape.h"
#include "nn/kernels/activation.h"
#include "nn/kernels/bfloat16.h"

namespace kindred {

/// A 3x3 convolution of stride 1 by Winograd's minimal filtering, F(4x4, 3x3) or F(7x7, 3x3): src
/// in overlapping tiles of 6x6 (9x9), each of which gives 4x4 (7x7) pixels of dst. A tile and the
/// weights are transformed to 36 (81) points, where the convolution is a product for each, 36 (81)
/// multiplications in place of 144 (441).
/// Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.
/// Tensors are float in groups of channels (WinogradKernels::group), as oneDNN's nChw8c and
/// nChw16c, or Bfloat16 channels-last; T below is one of the two. What is computed at the points is
/// float in both.
struct WinogradPlan {
  Index S = 0;
  Shape src;  ///< channels of both: multiples of the group
  Shape dst;
  Index padding = 1;  ///< 0 to 2
  Index tile = 4;     ///< pixels of dst in each direction: 4 or 7

  Index tile_rows() const { return blocks_of(dst.height, tile); }
  Index tile_cols() const { return blocks_of(dst.width, tile); }
  Index tiles() const { return S * tile_rows() * tile_cols(); }
  Index points() const { return (tile + 2) * (tile + 2); }
  /// Of weights at the points, which are a cache line more than C * O apart, so that they fall into
  /// different sets.
  static Index point_stride(Index C, Index O) { return C * O + 16; }
  Index point_stride() const { return point_stride(src.channels, dst.channels); }
  Index point_floats() const { return points() * point_stride(); }
  /// The convolution of diff_dst, with weights rotated by 180°, that gives diff_src.
  WinogradPlan of_diff() const { return {S, dst, src, 2 - padding, tile}; }
};

/// The filter transform: weights at the points; `rotated`: by 180°.
struct WinogradWeights {
  Index C;
  Index O;
  const float* weights;  ///< those of c and o are 9 in a row at c * c_stride + o * o_stride
  Index c_stride;
  Index o_stride;
  bool rotated;
  Index tile;  ///< the plan's
  /// [point_floats()]: for each point and each two groups of O (the last may be one), [C, those].
  float* dst;

  /// Independent pieces that the work falls into.
  Index parts() const { return C / 8; }
};

/// dst = src * weights + bias; where `sum`, what dst holds is added; then the activation, which
/// is_piecewise_linear().
template <typename T>
struct WinogradForward {
  const WinogradPlan& plan;
  const T* src;
  const float* points;  ///< WinogradWeights::dst
  const float* bias;    ///< [O] or nullptr
  bool sum;
  Activation activation;
  T* dst;
};

/// diff_weights [9, C, O]. One block of tiles after the other, each first transformed and
/// then multiplied; last come the weights. Parts of a step are independent.
template <typename T>
struct WinogradGradient {
  const WinogradPlan& plan;
  const T* src;
  const T* diff_dst;
  float* scratch;  ///< WinogradKernels::gradient_scratch floats
  float* diff_weights;

  static constexpr Index kMultiplyParts = 12;
  static constexpr Index kFinishParts = 4;
};

/// The loops. How many tiles are worked on at once, and with it the sizes below, depends on the
/// level, but not on T.
template <typename T>
struct WinogradKernels {
  static constexpr Isa kHighest = Isa::bf16;

  Index group;  ///< vector_floats() of the level: channels that are computed with at once

  void (*transform_filter)(const WinogradWeights& weights, Index part);

  /// Independent pieces that a convolution falls into, and the floats of scratch that each needs.
  Index (*forward_parts)(const WinogradPlan& plan);
  Index (*forward_scratch)(const WinogradPlan& plan);
  void (*forward)(const WinogradForward<T>& convolution, Index part, float* scratch);

  Index (*gradient_scratch)(const WinogradPlan& plan);
  Index (*gradient_blocks)(const WinogradPlan& plan);
  /// Of which there are as many as groups of src and dst together.
  void (*gradient_transform)(const WinogradGradient<T>& gradient, Index block, Index part);
  void (*gradient_multiply)(const WinogradGradient<T>& gradient, Index block, Index part);
  void (*gradient_finish)(const WinogradGradient<T>& gradient, Index part);

  /// diff_bias [O]
  void (*backward_bias)(const WinogradPlan& plan, const T* diff_dst, float* diff_bias);
};

}  // namespace kindred
