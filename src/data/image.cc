#include "data/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "kindred/core/error.h"

namespace kindred {
namespace {

Image decode_whole_png(std::span<const std::byte> bytes, const std::string& where) {
  return decode_png(bytes, 0, where);
}

Image decode_upright_jpeg(std::span<const std::byte> bytes, const std::string& where) {
  return upright(decode_jpeg(bytes, where), exif_orientation(bytes));
}

struct ImageKind {
  std::string_view name;
  std::string_view begins_with;
  Image (*decode)(std::span<const std::byte> bytes, const std::string& where);
};

constexpr std::array kKinds{
    ImageKind{"JPEG", "\xFF\xD8\xFF", decode_upright_jpeg},
    ImageKind{"PNG", "\x89PNG", decode_whole_png},
    ImageKind{"PGM", "P5", decode_pnm},
    ImageKind{"PPM", "P6", decode_pnm},
    ImageKind{"PGM in decimal", "P2", decode_pnm},
    ImageKind{"PPM in decimal", "P3", decode_pnm},
    ImageKind{"BMP", "BM", decode_bmp},
};

constexpr std::array<std::string_view, 8> kEndings{".jpg", ".jpeg", ".png", ".pgm",
                                                   ".ppm", ".pnm",  ".bmp", ".dib"};

}  // namespace

std::string image_kinds() {
  std::array<std::string_view, kKinds.size()> names;
  std::transform(kKinds.begin(), kKinds.end(), names.begin(),
                 [](const ImageKind& kind) { return kind.name; });
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_image_name(const std::string& name) {
  std::string small = name.substr(name.size() - std::min<std::size_t>(name.size(), 5));
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return small.ends_with(ending); });
}

Image decode_image(std::span<const std::byte> bytes, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const ImageKind& kind : kKinds) {
    if (text.starts_with(kind.begins_with)) return kind.decode(bytes, where);
  }
  fail(ErrorKind::data, fmt::format("{}: is no image of a kind that is read ({})", where,
                                    text.empty() ? "it is empty" : image_kinds()));
}

void check_image_size(Index height, Index width, const std::string& where) {
  if (height >= 1 && width >= 1 && height <= kMostPixels / width) return;
  fail(ErrorKind::data, fmt::format("{}: claims {} x {} pixels; 1 to {} are read", where, width,
                                    height, kMostPixels));
}

Image with_channels(Image image, Index channels) {
  if (image.shape.channels == channels) return image;
  Image result{image.shape, {}};
  result.shape.channels = channels;
  result.pixels.reserve(static_cast<std::size_t>(result.shape.size()));
  if (channels == 3) {
    for (const std::uint8_t value : image.pixels)
      result.pixels.insert(result.pixels.end(), 3, value);
    return result;
  }
  for (std::size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    const std::uint32_t sum = 19595U * image.pixels[i] + 38470U * image.pixels[i + 1] +
                              7471U * image.pixels[i + 2];  // of 65536
    result.pixels.push_back(static_cast<std::uint8_t>((sum + 32768) >> 16));
  }
  return result;
}

void invert(Image& image) {
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(255 - value);
}

}  // namespace kindred
