#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/shape.h"

namespace kindred {

/// Pixels in bytes, row by row, channels last: 1 channel is grey, 3 are red, green, blue.
struct Image {
  Shape shape;
  std::vector<std::uint8_t> pixels;
  /// The largest value of a picture of 16 bits a channel, before it became bytes; 0 of others.
  int largest = 0;
};

/// How many pixels an image may claim; more is taken for a bomb.
constexpr Index kMostPixels = 64'000'000;

/// A whole image file of a known kind (image_kinds()), as it is meant to be seen: turned upright
/// where EXIF says how, transparent parts on white. One channel where the file is grey, else three.
/// Of 16 bits a channel the lowest `bits`, 8 to 16, are taken: 12 where a camera gave 12.
/// `where` names it in messages. Files are not trusted. Fails with data.
Image decode_image(std::span<const std::byte> bytes, const std::string& where, int bits = 16);

/// The kinds decode_image() reads, for messages: "JPEG, PNG, ...".
std::string image_kinds();
/// True where the name ends as image files do, in small or capital letters.
bool is_image_name(const std::string& name);
/// The kind ("GIF") of an image that is none of those read, by its name's ending; or "".
std::string_view unread_kind_of_name(const std::string& name);

/// Like decode_image(), for one kind each; `channels` 0 is the file's own, 1 or 3 converts.
Image decode_png(std::span<const std::byte> bytes, Index channels, const std::string& where,
                 int bits = 16);
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& where);
Image decode_bmp(std::span<const std::byte> bytes, const std::string& where);
Image decode_webp(std::span<const std::byte> bytes, const std::string& where);
Image decode_pnm(std::span<const std::byte> bytes, const std::string& where, int bits = 16);

/// A value of `bits` as one of 8, rounded; larger ones are white.
std::uint8_t byte_of(unsigned value, int bits);
/// A value seen through, on white.
std::uint8_t on_white(unsigned value, unsigned alpha);

/// Fails with data where an image of that size is a bomb, or empty.
void check_image_size(Index height, Index width, const std::string& where);

/// The whole PNG file of an image of 1 or 3 channels.
std::string encode_png(const Image& image);

/// The whole JPEG file of an image of 1 or 3 channels, of pixels alone; `quality` 1 to 100.
std::string encode_jpeg(const Image& image, int quality);

/// EXIF's orientation in a JPEG, PNG or WebP file, 1 (upright) to 8; 1 where it says nothing that
/// makes sense.
int exif_orientation(std::span<const std::byte> file);
/// The image turned and mirrored as that orientation asks.
Image upright(Image image, int orientation);

/// How an image gets larger along an axis; it gets smaller by the mean over the area that an output
/// pixel covers, weighted exactly. Pixel centers are at halves; beyond the edge is the edge.
enum class Enlarge { bilinear, bicubic };

/// Integer arithmetic, rounded to nearest with halves up: the same bits everywhere.
Image resize(const Image& image, Index height, Index width, Enlarge enlarge = Enlarge::bilinear);

/// The piece in the middle, at most as large as the image.
Image crop_center(const Image& image, Index height, Index width);

/// Grey by ITU-R BT.601 (0.299, 0.587, 0.114), or grey three times. `channels` is 1 or 3.
Image with_channels(Image image, Index channels);

/// 255 - value.
void invert(Image& image);

}  // namespace kindred
