#pragma once
#include "data/image/image.h"
#include "kindred/data/preparation.h"

namespace kindred {

/// The image as a data set would hold it, but for its channels, which follow the first image's.
Image prepared(Image image, const Preparation& how);

/// The same for a network of samples of `shape` (1 or 3 channels): where the preparation leaves
/// another size, the image is resized.
Image prepared(Image image, const Preparation& how, const Shape& shape);

}  // namespace kindred
