#pragma once
#include <string>
#include <vector>

#include "kindred/nn/layer_spec.h"

namespace kindred {

// Blocks that several architectures are made of. Each layer's name begins with `name` and a dot.

/// A layer with weights, and "norm" + number behind it.
void add_unit(std::vector<LayerSpec>& layers, const std::string& name, const std::string& number,
              LayerSpec weights);

/// Two 3x3 convolutions around which the input is carried over; the first has the stride.
/// Source: He et al. 2016, "Deep residual learning", figure 5 left.
LayerSpec basic_block(const std::string& name, Index src_channels, Index channels, Index stride);

/// 1x1, 3x3 and 1x1 convolutions to a fourth of `channels` and back; the 3x3 has the stride, as
/// torchvision and most that trained it have it. REQUIRES: channels % 4 == 0.
/// Source: He et al. 2016, figure 5 right.
LayerSpec bottleneck_block(const std::string& name, Index src_channels, Index channels,
                           Index stride);

/// Of add_inverted_residual().
struct InvertedResidual {
  Index channels = 0;   ///< of its dst
  Index expansion = 6;  ///< channels between, as a multiple of src's; 1: no convolution to them
  Index kernel = 3;     ///< of the depthwise convolution
  Index stride = 1;
  Index squeeze = 0;  ///< > 0: squeeze and excitation by this factor behind the depthwise one
  std::string activation = "relu6";
};

/// 1x1 convolution to more channels, depthwise convolution, 1x1 convolution without an activation;
/// the input is carried over where stride and channels allow it.
/// Source: Sandler et al. 2018, "MobileNetV2", figure 4d.
void add_inverted_residual(std::vector<LayerSpec>& layers, const std::string& name,
                           Index src_channels, const InvertedResidual& block);

/// A convolution of each channel by itself, padded so that stride 1 keeps the size.
LayerSpec depthwise(std::string name, Index channels, Index kernel, Index stride);

}  // namespace kindred
