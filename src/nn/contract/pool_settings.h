#pragma once
#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"

namespace kindred {

/// Of max_pool and average_pool.
struct PoolSettings {
  Index kernel = 2;
  Index stride = 2;
  Index padding = 0;

  template <typename Reader>
  void read(Reader& reader) {
    reader("kernel", kernel, "height and width of a window, pixels", Range{1, 15});
    reader("stride", stride, "pixels between windows", Range{1, 64});
    reader("padding", padding, "pixels at each edge that windows may reach over, never counted",
           Range{0, 7});
  }

  Shape dst(const Shape& src) const {
    const auto extent = [this](Index n) { return (n + 2 * padding - kernel) / stride + 1; };
    return {src.channels, extent(src.height), extent(src.width)};
  }
};

}  // namespace kindred
