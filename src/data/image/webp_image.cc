#include <fmt/format.h>
#include <webp/decode.h>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
Image decode_webp(std::span<const std::byte> bytes, const std::string& where) {
  const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto refuse = [&](const char* why) {
    fail(ErrorKind::data, fmt::format("{}: is not a WebP that can be read: {}", where, why));
  };
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK)
    refuse("its header is damaged");
  if (features.has_animation != 0) refuse("it is an animation");
  check_image_size(features.height, features.width, where);
  Image image{{.channels = features.has_alpha != 0 ? 4 : 3,
               .height = features.height,
               .width = features.width},
              {}};
  image.pixels.resize(static_cast<std::size_t>(image.shape.size()));
  const auto line = static_cast<int>(image.shape.width * image.shape.channels);
  const auto decode = features.has_alpha != 0 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(data, bytes.size(), image.pixels.data(), image.pixels.size(), line) == nullptr) {
    refuse("it is damaged or cut short");
  }
  if (features.has_alpha == 0) return image;
  Image result{image.shape, {}};
  result.shape.channels = 3;
  result.pixels.reserve(static_cast<std::size_t>(result.shape.size()));
  for (std::size_t i = 0; i < image.pixels.size(); i += 4) {
    for (std::size_t c = 0; c < 3; ++c) {
      result.pixels.push_back(on_white(image.pixels[i + c], image.pixels[i + 3]));
    }
  }
  return result;
}

}  // namespace kindred
