#pragma once
#include <string>
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"
#include "kindred/nn/layer_spec.h"

namespace kindred {

/// A network in lines, for instance
///   layers = ["conv 32 norm relu pool", "residual 64 stride=2 x2", "flatten", "linear 128"]
///
/// A line holds layers one after the other. A layer is a kind of `kindred list layers`, or a short
/// name of one, or a block:
///   conv C, norm, pool, global_pool    convolution, batch_norm, max_pool, global_average_pool
///   depthwise                          a convolution of each channel by itself
///   residual C, bottleneck C           blocks of two, of three convolutions (He et al. 2016)
///   inverted C                         (Sandler et al. 2018); also expand=, squeeze=, activation=
/// and behind it in any order: one number, its size (channels, features, rate, or a window); 5x5,
/// its kernel; and settings as key=value. A convolution is padded so that stride 1 keeps the size;
/// before a norm it has no bias. x3 at a line's end repeats the line; only its first turn has the
/// strides of convolutions and blocks.
///
/// The layers are those that [[model.layers]] one by one would be, with the same names, so the same
/// bits. Fails with ErrorKind::recipe and names the line and the word.
std::vector<LayerSpec> read_layer_lines(Section model, const std::vector<std::string>& lines,
                                        const Shape& src);

}  // namespace kindred
