#include "data/image/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "kindred/core/error.h"

namespace kindred {
namespace {

Image whole_png(std::span<const std::byte> bytes, const std::string& where, int bits) {
  return decode_png(bytes, 0, where, bits);
}
Image whole_jpeg(std::span<const std::byte> bytes, const std::string& where, int /*bits*/) {
  return decode_jpeg(bytes, where);
}
Image whole_bmp(std::span<const std::byte> bytes, const std::string& where, int /*bits*/) {
  return decode_bmp(bytes, where);
}
Image whole_webp(std::span<const std::byte> bytes, const std::string& where, int /*bits*/) {
  return decode_webp(bytes, where);
}

struct ImageKind {
  std::string_view name;
  std::string_view begins_with;
  Image (*decode)(std::span<const std::byte> bytes, const std::string& where, int bits);
};

constexpr std::array kKinds{
    ImageKind{"JPEG", "\xFF\xD8\xFF", whole_jpeg},
    ImageKind{"PNG", "\x89PNG", whole_png},
    ImageKind{"PGM", "P5", decode_pnm},
    ImageKind{"PPM", "P6", decode_pnm},
    ImageKind{"PGM in decimal", "P2", decode_pnm},
    ImageKind{"PPM in decimal", "P3", decode_pnm},
    ImageKind{"BMP", "BM", whole_bmp},
    ImageKind{"WebP", "RIFF", whole_webp},
};

constexpr std::array<std::string_view, 13> kEndings{".jpg", ".jpeg", ".jpe",  ".jfif", ".jif",
                                                    ".png", ".pgm",  ".ppm",  ".pnm",  ".bmp",
                                                    ".dib", ".webp", ".pjpeg"};

/// Images that people have, but that are not read.
struct UnreadKind {
  std::string_view name;
  std::string_view endings;  // each followed by a blank
  std::array<std::string_view, 2> begins_with;
};

using namespace std::string_view_literals;
constexpr std::array kUnread{
    UnreadKind{"GIF", ".gif ", {"GIF8"}},
    UnreadKind{"TIFF", ".tif .tiff ", {"II*\0"sv, "MM\0*"sv}},
    UnreadKind{"HEIF or AVIF",
               ".heic .heif .avif ",
               {"\0\0\0\x1C"
                "ftyp"sv,
                "\0\0\0\x20"
                "ftyp"sv}},
    UnreadKind{"JPEG 2000", ".jp2 .j2k .jpx ", {"\0\0\0\x0CjP"sv, "\xFF\x4F\xFF\x51"sv}},
    UnreadKind{"JPEG XL", ".jxl ", {"\0\0\0\x0CJXL"sv, "\xFF\x0A"sv}},
    UnreadKind{"PBM", ".pbm ", {"P1", "P4"}},
    UnreadKind{"PAM", ".pam ", {"P7"}},
    UnreadKind{"SVG", ".svg ", {"<svg"}},
    UnreadKind{"TGA", ".tga ", {}},
    UnreadKind{"PSD", ".psd ", {"8BPS"}},
    UnreadKind{"ICO", ".ico ", {"\0\0\1\0"sv}},
    UnreadKind{"OpenEXR", ".exr ", {"\x76\x2F\x31\x01"sv}},
    UnreadKind{"a camera's raw file", ".cr2 .cr3 .nef .arw .dng .raf .orf ", {}},
};

std::string small_ending(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  std::string ending = dot == name.npos ? "" : name.substr(dot);
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

std::string_view unread_kind_of(std::string_view bytes) {
  for (const UnreadKind& kind : kUnread) {
    for (const std::string_view begin : kind.begins_with) {
      if (!begin.empty() && bytes.starts_with(begin)) return kind.name;
    }
  }
  return "";
}

}  // namespace

std::string_view unread_kind_of_name(const std::string& name) {
  const std::string ending = small_ending(name) + " ";
  for (const UnreadKind& kind : kUnread) {
    if (ending.size() > 2 && kind.endings.find(ending) != kind.endings.npos) return kind.name;
  }
  return "";
}

std::string image_kinds() {
  std::array<std::string_view, kKinds.size()> names;
  std::transform(kKinds.begin(), kKinds.end(), names.begin(),
                 [](const ImageKind& kind) { return kind.name; });
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_image_name(const std::string& name) {
  return std::find(kEndings.begin(), kEndings.end(), small_ending(name)) != kEndings.end();
}

Image decode_image(std::span<const std::byte> bytes, const std::string& where, int bits) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const ImageKind& kind : kKinds) {
    if (!text.starts_with(kind.begins_with)) continue;
    return upright(kind.decode(bytes, where, bits), exif_orientation(bytes));
  }
  const std::string_view unread = unread_kind_of(text);
  if (!unread.empty()) {
    fail(ErrorKind::data, fmt::format("{}: looks like {}, which is not read ({} are)", where,
                                      unread, image_kinds()));
  }
  fail(ErrorKind::data, fmt::format("{}: is no image of a kind that is read ({})", where,
                                    text.empty() ? "it is empty" : image_kinds()));
}

std::uint8_t byte_of(unsigned value, int bits) {
  const unsigned most = (1U << bits) - 1;
  return value >= most ? 255 : static_cast<std::uint8_t>((2 * 255 * value + most) / (2 * most));
}

std::uint8_t on_white(unsigned value, unsigned alpha) {
  return static_cast<std::uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

void check_image_size(Index height, Index width, const std::string& where) {
  if (height >= 1 && width >= 1 && height <= kMostPixels / width) return;
  fail(ErrorKind::data, fmt::format("{}: claims {} x {} pixels; 1 to {} are read", where, width,
                                    height, kMostPixels));
}

Image with_channels(Image image, Index channels) {
  if (image.shape.channels == channels) return image;
  Image result{image.shape, {}, image.largest};
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
