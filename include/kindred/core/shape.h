#pragma once
#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// The shape of one sample: an image [height, width, channels], or a vector of `channels` numbers
/// (height = width = 1). Outside the network, samples are stored channels-last.
struct Shape {
  Index channels = 0;
  Index height = 1;
  Index width = 1;

  Index size() const { return channels * height * width; }
  bool operator==(const Shape&) const = default;
};

}  // namespace kindred
