#include <fmt/format.h>

#include <cstdlib>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr std::size_t kFileHeader = 14;
constexpr std::size_t kLeastHeader = 40;  // BITMAPINFOHEADER

std::uint32_t number(std::span<const std::byte> bytes, std::size_t offset, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count && offset + i < bytes.size(); ++i) {
    value |= static_cast<std::uint32_t>(bytes[offset + i]) << (8 * i);
  }
  return value;
}

}  // namespace

// Uncompressed, 8 (palette), 24 or 32 bits a pixel; lines are padded to 4 bytes and run upwards
// unless the height is negative. Source: Microsoft, "BITMAPINFOHEADER structure".
Image decode_bmp(std::span<const std::byte> bytes, const std::string& where) {
  const auto refuse = [&](const std::string& why) {
    fail(ErrorKind::data, fmt::format("{}: is not a BMP that can be read: {}", where, why));
  };
  const std::size_t header = number(bytes, kFileHeader, 4);
  if (bytes.size() < kFileHeader + kLeastHeader || header < kLeastHeader) {
    refuse("its header is short or of OS/2");
  }
  const Index width = static_cast<std::int32_t>(number(bytes, 18, 4));
  const Index signed_height = static_cast<std::int32_t>(number(bytes, 22, 4));
  const Index height = std::abs(signed_height);
  const std::uint32_t bits = number(bytes, 28, 2);
  const std::uint32_t packing = number(bytes, 30, 4);
  const bool plain = packing == 0 || (packing == 3 && bits == 32);  // 3: masks, the usual ones
  if (!plain || (bits != 8 && bits != 24 && bits != 32)) {
    refuse(
        fmt::format("{} bits a pixel, compression {}; only 8, 24 and 32 bits without "
                    "compression are read",
                    bits, packing));
  }
  check_image_size(height, width, where);
  const std::size_t first = number(bytes, 10, 4);
  const std::size_t line = (static_cast<std::size_t>(width) * bits / 8 + 3) / 4 * 4;
  if (first > bytes.size() || line * static_cast<std::size_t>(height) > bytes.size() - first) {
    refuse(fmt::format("{} x {} pixels need {} bytes, but {} follow the header", width, height,
                       line * static_cast<std::size_t>(height),
                       bytes.size() - std::min(first, bytes.size())));
  }
  std::size_t colours = number(bytes, 46, 4);
  if (colours == 0 || colours > 256) colours = 256;
  const std::size_t palette = kFileHeader + header;
  Image image{{.channels = 3, .height = height, .width = width}, {}};
  image.pixels.reserve(static_cast<std::size_t>(image.shape.size()));
  bool grey = true;
  for (Index y = 0; y < height; ++y) {
    const auto row = static_cast<std::size_t>(signed_height < 0 ? y : height - 1 - y);
    for (Index x = 0; x < width; ++x) {
      const std::size_t pixel = first + row * line + static_cast<std::size_t>(x) * bits / 8;
      std::size_t colour = pixel;  // blue, green, red
      if (bits == 8) {
        const auto index = static_cast<std::size_t>(bytes[pixel]);
        colour = palette + 4 * index;
        if (index >= colours || colour + 3 > first)
          refuse("a pixel names no colour of its palette");
      }
      const auto blue = static_cast<std::uint8_t>(bytes[colour]);
      const auto green = static_cast<std::uint8_t>(bytes[colour + 1]);
      const auto red = static_cast<std::uint8_t>(bytes[colour + 2]);
      grey = grey && blue == green && green == red;
      image.pixels.insert(image.pixels.end(), {red, green, blue});
    }
  }
  return bits == 8 && grey ? with_channels(std::move(image), 1) : image;
}

}  // namespace kindred
