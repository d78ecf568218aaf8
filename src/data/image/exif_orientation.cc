#include <algorithm>
#include <string_view>

#include "data/image/image.h"

namespace kindred {
namespace {

/// Bytes of a TIFF structure, in its own byte order; beyond the end is zero.
class Tiff {
 public:
  explicit Tiff(std::span<const std::byte> bytes) : bytes_(bytes) {
    big_ = at(0) == 'M' && at(1) == 'M';
    valid_ = (big_ || (at(0) == 'I' && at(1) == 'I')) && number(2, 2) == 42;
  }
  bool valid() const { return valid_; }
  std::size_t number(std::size_t offset, std::size_t bytes) const {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value = value << 8 | at(offset + (big_ ? i : bytes - 1 - i));
    }
    return value;
  }

 private:
  std::size_t at(std::size_t i) const {
    return i < bytes_.size() ? static_cast<std::size_t>(bytes_[i]) : 0;
  }
  std::span<const std::byte> bytes_;
  bool big_ = false;
  bool valid_ = false;
};

// Tag 0x0112 of the first directory, a 16-bit number.
int orientation_in(const Tiff& tiff) {
  constexpr std::size_t kEntryBytes = 12;
  if (!tiff.valid()) return 1;
  const std::size_t directory = tiff.number(4, 4);
  const std::size_t entries = tiff.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + kEntryBytes * i;
    if (tiff.number(entry, 2) != 0x0112) continue;
    const std::size_t value = tiff.number(entry + 8, 2);
    return tiff.number(entry + 2, 2) == 3 && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// A TIFF structure, behind "Exif\0\0" or at once.
int orientation_of(std::span<const std::byte> exif) {
  constexpr std::string_view kHead("Exif\0\0", 6);
  const std::string_view text(reinterpret_cast<const char*>(exif.data()), exif.size());
  return orientation_in(Tiff(text.starts_with(kHead) ? exif.subspan(kHead.size()) : exif));
}

std::size_t number_at(std::span<const std::byte> bytes, std::size_t at, bool big) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<std::size_t>(bytes[at + (big ? i : 3 - i)]);
  }
  return value;
}

// Chunks of LENGTH(4), NAME(4), content, CHECKSUM(4), behind a signature of 8 bytes.
int png_orientation(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = number_at(file, at, true);
    if (length > file.size() - at - 12) break;
    if (text.substr(at + 4, 4) == "eXIf") return orientation_of(file.subspan(at + 8, length));
    at += 12 + length;
  }
  return 1;
}

// Chunks of NAME(4), LENGTH(4), content and a byte where that is odd, behind "RIFF....WEBP".
int webp_orientation(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t length = number_at(file, at + 4, false);
    if (length > file.size() - at - 8) break;
    if (text.substr(at, 4) == "EXIF") return orientation_of(file.subspan(at + 8, length));
    at += 8 + length + length % 2;
  }
  return 1;
}

// Segments FF xx LENGTH(2, itself included) up to the image itself; EXIF is an APP1 segment that
// begins with "Exif\0\0".
int jpeg_orientation(std::span<const std::byte> jpeg) {
  constexpr std::size_t kHead = 10;
  const auto at = [&](std::size_t i) { return static_cast<unsigned>(jpeg[i]); };
  for (std::size_t i = 2; i + kHead <= jpeg.size() && at(i) == 0xFF;) {
    const unsigned marker = at(i + 1);
    if (marker == 0xFF) {  // filling
      ++i;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;
    const std::size_t length = at(i + 2) << 8 | at(i + 3);
    if (length < 2) break;
    if (marker == 0xE1 && length >= 8 && at(i + 4) == 'E' && at(i + 5) == 'x' && at(i + 6) == 'i' &&
        at(i + 7) == 'f') {
      const std::size_t end = std::min(i + 2 + length, jpeg.size());
      return orientation_in(Tiff(jpeg.subspan(i + kHead, end - (i + kHead))));
    }
    i += 2 + length;
  }
  return 1;
}

}  // namespace

int exif_orientation(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("\xFF\xD8")) return jpeg_orientation(file);
  if (text.starts_with("\x89PNG")) return png_orientation(file);
  if (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP") {
    return webp_orientation(file);
  }
  return 1;
}

// 2 is mirrored, 3 turned by half, 4 upside down; 5 to 8 have rows and columns exchanged as well.
Image upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const Shape& from = image.shape;
  const bool exchanged = orientation >= 5;
  Image result{{.channels = from.channels,
                .height = exchanged ? from.width : from.height,
                .width = exchanged ? from.height : from.width},
               {}};
  result.pixels.reserve(image.pixels.size());
  // Rows of the stored image run backwards, and its columns.
  const bool rows_turned =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns_turned =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  for (Index y = 0; y < result.shape.height; ++y) {
    for (Index x = 0; x < result.shape.width; ++x) {
      Index row = exchanged ? x : y;
      Index column = exchanged ? y : x;
      if (rows_turned) row = from.height - 1 - row;
      if (columns_turned) column = from.width - 1 - column;
      const std::uint8_t* pixel = image.pixels.data() + (row * from.width + column) * from.channels;
      result.pixels.insert(result.pixels.end(), pixel, pixel + from.channels);
    }
  }
  return result;
}

}  // namespace kindred
