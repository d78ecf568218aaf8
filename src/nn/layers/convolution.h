#pragma once
#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"

namespace kindred {

struct ConvolutionSettings {
  Index channels = 64;
  Index kernel = 3;
  Index stride = 1;
  Index padding = 1;
  Index dilation = 1;
  Index groups = 1;
  bool bias = true;

  template <typename Reader>
  void read(Reader& reader) {
    reader("channels", channels, "output channels", Range{1, 65536});
    reader("kernel", kernel, "height and width of the kernel, pixels", Range{1, 64});
    reader("stride", stride, "pixels between outputs", Range{1, 64});
    reader("padding", padding, "zeros added at each edge, pixels", Range{0, 4095});
    reader("dilation", dilation, "pixels between the kernel's taps", Range{1, 64});
    reader("groups", groups, "channel groups convolved apart", Range{1, 65536});
    reader("bias", bias, "a number added to each output channel; off before a batch_norm");
  }

  /// Height and width of what one output sees.
  Index reach() const { return (kernel - 1) * dilation + 1; }

  Shape dst(const Shape& src) const {
    const auto extent = [this](Index n) { return (n + 2 * padding - reach()) / stride + 1; };
    return {channels, extent(src.height), extent(src.width)};
  }
};

}  // namespace kindred
