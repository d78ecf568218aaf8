#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "data/image/image.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

/// The numbers of a header, between blanks and comments that run from # to the end of the line.
class Scanner {
 public:
  Scanner(std::span<const std::byte> bytes, const std::string& where)
      : bytes_(bytes), where_(where) {}

  [[noreturn]] void refuse(const std::string& why) const {
    fail(ErrorKind::data, fmt::format("{}: is not a PGM or PPM that can be read: {}", where_, why));
  }

  Index number() {
    skip_blanks();
    Index value = 0;
    const std::size_t first = at_;
    for (; at_ < bytes_.size() && std::isdigit(byte()) != 0; ++at_) {
      value = std::min<Index>(value * 10 + (byte() - '0'), Index{1} << 32);
    }
    if (at_ == first) refuse("a number is missing");
    return value;
  }

  /// One blank ends the header; what follows is pixels.
  std::span<const std::byte> rest() {
    if (at_ < bytes_.size()) ++at_;
    return bytes_.subspan(at_);
  }

  void skip(std::size_t count) { at_ += count; }

 private:
  int byte() const { return std::to_integer<int>(bytes_[at_]); }
  void skip_blanks() {
    for (bool comment = false; at_ < bytes_.size(); ++at_) {
      if (byte() == '\n') {
        comment = false;
      } else if (byte() == '#') {
        comment = true;
      } else if (!comment && std::isspace(byte()) == 0) {
        return;
      }
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  std::size_t at_ = 0;
};

}  // namespace

// P2 and P5 are grey, P3 and P6 red, green, blue; 2 and 3 in decimal numbers, 5 and 6 in bytes,
// two of them (the larger first) where the largest value is over 255. Source: Netpbm's pgm(5).
Image decode_pnm(std::span<const std::byte> bytes, const std::string& where, int bits) {
  Scanner scanner(bytes, where);
  const int kind = bytes.size() > 2 ? std::to_integer<int>(bytes[1]) - '0' : 0;
  if (kind != 2 && kind != 3 && kind != 5 && kind != 6) {
    scanner.refuse("it is neither P2, P3, P5 nor P6");
  }
  scanner.skip(2);
  const Index width = scanner.number();
  const Index height = scanner.number();
  const Index largest = scanner.number();
  check_image_size(height, width, where);
  if (largest < 1 || largest > 65535) {
    scanner.refuse(fmt::format("the largest value is {}; 1 to 65535 is expected", largest));
  }
  Image image{{.channels = kind == 2 || kind == 5 ? 1 : 3, .height = height, .width = width}, {}};
  const Index count = image.shape.size();
  const auto add = [&](Index value) {
    if (value > largest) scanner.refuse(fmt::format("a pixel is over the largest, {}", largest));
    if (largest == 65535) {
      image.largest = std::max(image.largest, static_cast<int>(value));
      image.pixels.push_back(byte_of(static_cast<unsigned>(value), bits));
      return;
    }
    image.pixels.push_back(static_cast<std::uint8_t>((2 * 255 * value + largest) / (2 * largest)));
  };
  if (kind <= 3) {
    // Each number takes a digit and a blank: no memory for pixels that are not there.
    if (count > static_cast<Index>(bytes.size())) scanner.refuse("it is cut short");
    image.pixels.reserve(static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) add(scanner.number());
    return image;
  }
  const std::span<const std::byte> pixels = scanner.rest();
  const Index value_bytes = largest > 255 ? 2 : 1;
  if (count * value_bytes > static_cast<Index>(pixels.size())) {
    scanner.refuse(fmt::format("{} x {} pixels need {} bytes, but {} follow the header", width,
                               height, count * value_bytes, pixels.size()));
  }
  image.pixels.reserve(static_cast<std::size_t>(count));
  for (Index i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i * value_bytes);
    add(value_bytes == 1
            ? std::to_integer<Index>(pixels[at])
            : std::to_integer<Index>(pixels[at]) << 8 | std::to_integer<Index>(pixels[at + 1]));
  }
  return image;
}

}  // namespace kindred
