#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/shape.h"

namespace kindred {

/// Pixels in bytes, row by row, channels last: 1 channel is grey, 3 are red, green, blue.
struct Image {
  Shape shape;
  std::vector<std::uint8_t> pixels;
};

/// A PNG as `channels` (1 or 3) bytes a pixel; transparent parts on white. `where` names it in
/// messages. Fails with data, also where it claims more than 64 million pixels.
Image decode_png(std::span<const std::byte> bytes, Index channels, const std::string& where);

/// The whole PNG file of an image of 1 or 3 channels.
std::string encode_png(const Image& image);

/// Every output pixel is the mean over the area it covers, weighted exactly (integers), rounded to
/// nearest with halves up.
Image area_resize(const Image& image, Index height, Index width);

/// 255 - value.
void invert(Image& image);

}  // namespace kindred
