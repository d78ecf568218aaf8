#pragma once
#include "kindred/core/index.h"
#include "kindred/core/shape.h"

namespace kindred {

/// A 3x3 convolution of stride 1 by Winograd's minimal filtering, F(4x4, 3x3): src in overlapping
/// tiles of 6x6, each of which gives 4x4 pixels of dst. A tile and the weights are taken to 36
/// points, where the convolution is a product for each, 36 multiplications in place of 144.
/// Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.
/// Tensors are float32 in blocks of 16 channels, as oneDNN's nChw16c.
struct WinogradPlan {
  Index S = 0;
  Shape src;  ///< channels of both: multiples of 16
  Shape dst;
  Index padding = 1;  ///< 0 to 2

  Index tile_rows() const { return blocks_of(dst.height, 4); }
  Index tile_cols() const { return blocks_of(dst.width, 4); }
  Index tiles() const { return S * tile_rows() * tile_cols(); }
  /// Of weights at the 36 points.
  Index point_floats() const { return 36 * src.channels * dst.channels; }
  /// The convolution of diff_dst, with weights turned by half a turn, that gives diff_src.
  WinogradPlan of_diff() const { return {S, dst, src, 2 - padding}; }
};

/// Weights at the points, of weights [9, C, O]; `turned`: by half a turn. dst is, for each of 36
/// points and each 32 channels of O (the last may be 16), [C, 32].
void winograd_weights(const float* weights, Index C, Index O, bool turned, float* dst);

/// What winograd_forward needs as scratch, floats.
Index winograd_forward_floats(const WinogradPlan& plan);
/// dst = src * weights + bias; where `sum`, what dst holds is added; then max(dst, 0) where `relu`.
/// points: winograd_weights; bias [O] or nullptr.
void winograd_forward(const WinogradPlan& plan, const float* src, const float* points,
                      const float* bias, bool sum, bool relu, float* scratch, float* dst);

Index winograd_backward_weights_floats(const WinogradPlan& plan);
/// diff_weights [9, C, O], and diff_bias [O] unless it is nullptr.
void winograd_backward_weights(const WinogradPlan& plan, const float* src, const float* diff_dst,
                               float* scratch, float* diff_weights, float* diff_bias);

}  // namespace kindred
