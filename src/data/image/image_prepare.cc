#include "data/image/image_prepare.h"

#include <algorithm>

namespace kindred {

Image prepared(Image image, const Preparation& how) {
  if (how.inverted) invert(image);
  if (how.crop.given()) image = crop_center(image, how.crop.height, how.crop.width);
  if (how.crop_square) {
    const Index side = std::min(image.shape.height, image.shape.width);
    image = crop_center(image, side, side);
  }
  if (how.grey) image = with_channels(std::move(image), 1);
  if (!how.size.given()) return image;
  return resize(image, how.size.height, how.size.width,
                how.bicubic ? Enlarge::bicubic : Enlarge::bilinear);
}

Image prepared(Image image, const Preparation& how, const Shape& shape) {
  image = prepared(std::move(image), how);
  if (image.shape.height != shape.height || image.shape.width != shape.width) {
    image = resize(image, shape.height, shape.width,
                   how.bicubic ? Enlarge::bicubic : Enlarge::bilinear);
  }
  return with_channels(std::move(image), shape.channels);
}

}  // namespace kindred
