#include "data/image/image.h"

#include <gtest/gtest.h>
#include <turbojpeg.h>
#include <webp/encode.h>

#include <array>
#include <string>

#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;

Image decoded(const std::string& bytes) {
  return decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), "it");
}

using Pixels = std::vector<std::uint8_t>;

std::string jpeg(Index height, Index width, const Pixels& pixels, int format) {
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  tjCompress2(encoder, pixels.data(), static_cast<int>(width), 0, static_cast<int>(height), format,
              &bytes, &size, format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_444, 100, 0);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  return file;
}

// An APP1 segment with one entry, in either byte order, behind FF D8.
std::string with_orientation(const std::string& jpeg_file, int orientation, bool big) {
  const std::string zero(1, '\0');
  const auto number = [&](int n, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) {
      text += static_cast<char>(n >> (8 * (big ? bytes - 1 - i : i)));
    }
    return text;
  };
  const std::string tiff = (big ? "MM" : "II") + number(42, 2) + number(8, 4) + number(1, 2) +
                           number(0x0112, 2) + number(3, 2) + number(1, 4) +
                           number(orientation, 2) + number(0, 2) + number(0, 4);
  const std::string body = "Exif" + zero + zero + tiff;
  const auto length = static_cast<int>(body.size()) + 2;
  return jpeg_file.substr(0, 2) + "\xFF\xE1" + static_cast<char>(length >> 8) +
         static_cast<char>(length) + body + jpeg_file.substr(2);
}

TEST(Image, SmallerIsTheMeanOverTheArea) {
  // 3 pixels onto 2: an output pixel covers one and a half of them.
  const Image line{{.channels = 1, .height = 1, .width = 3}, {30, 60, 90}};
  EXPECT_EQ(resize(line, 1, 2).pixels, (Pixels{40, 80}));
  const Image colours{{.channels = 3, .height = 2, .width = 2},
                      {0, 10, 20, 4, 14, 24, 8, 18, 28, 12, 22, 33}};
  EXPECT_EQ(resize(colours, 1, 1).pixels, (Pixels{6, 16, 26}));  // the last mean is 26.25
  const Image column{{.channels = 1, .height = 5, .width = 1}, {1, 2, 3, 4, 6}};
  EXPECT_EQ(resize(column, 1, 1).pixels, Pixels{3});  // 3.2
}

TEST(Image, LargerIsLinearOrCubicBetweenCenters) {
  const Image line{{.channels = 1, .height = 1, .width = 2}, {0, 200}};
  // Output centers lie at -1/4, 1/4, 3/4 and 5/4 of the source's.
  EXPECT_EQ(resize(line, 1, 4).pixels, (Pixels{0, 50, 150, 200}));
  // Catmull-Rom at 1/4, edges repeated: weights -9/128, 111/128, 29/128, -3/128 of 0, 0, 200, 200.
  const Pixels cubic = resize(line, 1, 4, Enlarge::bicubic).pixels;
  EXPECT_EQ(cubic[1], 41);  // 200 * 26 / 128 = 40.6
  EXPECT_EQ(cubic[2], 159);
  EXPECT_EQ(cubic[0], 0);    // -14, held at the end
  EXPECT_EQ(cubic[3], 214);  // it overshoots
  const Image flat{{.channels = 3, .height = 3, .width = 5}, Pixels(45, 77)};
  for (const Enlarge enlarge : {Enlarge::bilinear, Enlarge::bicubic}) {
    EXPECT_EQ(resize(flat, 7, 11, enlarge).pixels, Pixels(7 * 11 * 3, 77));
    EXPECT_EQ(resize(flat, 2, 11, enlarge).pixels, Pixels(2 * 11 * 3, 77));
  }
}

TEST(Image, IsTurnedAsExifSays) {
  // What every orientation makes of the stored rows {1, 2}, {3, 4}, {5, 6}.
  const Image stored{{.channels = 1, .height = 3, .width = 2}, {1, 2, 3, 4, 5, 6}};
  const std::array<Pixels, 9> expected{{{},
                                        {1, 2, 3, 4, 5, 6},
                                        {2, 1, 4, 3, 6, 5},
                                        {6, 5, 4, 3, 2, 1},
                                        {5, 6, 3, 4, 1, 2},
                                        {1, 3, 5, 2, 4, 6},
                                        {5, 3, 1, 6, 4, 2},
                                        {6, 4, 2, 5, 3, 1},
                                        {2, 4, 6, 1, 3, 5}}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image turned = upright(stored, orientation);
    EXPECT_EQ(turned.pixels, expected[static_cast<std::size_t>(orientation)]) << orientation;
    EXPECT_EQ(turned.shape.height, orientation >= 5 ? 2 : 3);
  }
  const std::string file = jpeg(16, 8, Pixels(128, 100), TJPF_GRAY);
  for (const bool big : {false, true}) {
    const Image turned = decoded(with_orientation(file, 6, big));
    EXPECT_EQ(turned.shape, (Shape{.channels = 1, .height = 8, .width = 16}));
    EXPECT_EQ(decoded(with_orientation(file, 9, big)).shape.height, 16);  // makes no sense
  }
}

TEST(Image, EveryTruncatedOrChangedExifIsReadWithoutHarm) {
  const std::string file = with_orientation(jpeg(8, 8, Pixels(64, 9), TJPF_GRAY), 6, true);
  for (std::size_t i = 2; i < 60; ++i) {
    for (const char byte : {'\0', '\x7F', '\xFF'}) {
      std::string changed = file;
      changed[i] = byte;
      const auto bytes = std::as_bytes(std::span(changed.data(), changed.size()));
      EXPECT_GE(exif_orientation(bytes), 1);
      EXPECT_LE(exif_orientation(bytes.first(i)), 8);
    }
  }
}

TEST(Image, ReadsJpegs) {
  const Image grey = decoded(jpeg(9, 7, Pixels(63, 50), TJPF_GRAY));
  EXPECT_EQ(grey.shape, (Shape{.channels = 1, .height = 9, .width = 7}));
  EXPECT_EQ(grey.pixels, Pixels(63, 50));
  const Image colour = decoded(jpeg(8, 8, Pixels(192, 50), TJPF_RGB));
  EXPECT_EQ(colour.shape.channels, 3);
  Pixels noise(32 * 32);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<std::uint8_t>(i * i * 37);
  const std::string file = jpeg(32, 32, noise, TJPF_GRAY);
  expect_error(ErrorKind::data, "it: JPEG is damaged: Premature end of JPEG file",
               [&] { decoded(file.substr(0, file.size() / 2 + 40)); });
  expect_error(ErrorKind::data, "it: is not a JPEG that can be read",
               [&] { decoded("\xFF\xD8\xFF and nothing else"); });
}

TEST(Image, ReadsPgmAndPpm) {
  EXPECT_EQ(decoded("P5 # a comment\n2 #more\n 1\n255\nab").pixels, (Pixels{'a', 'b'}));
  const Image colour = decoded("P6\n1 1\n255\nabc");
  EXPECT_EQ(colour.shape.channels, 3);
  EXPECT_EQ(colour.pixels, (Pixels{'a', 'b', 'c'}));
  EXPECT_EQ(decoded("P2\n3 1\n3\n0 1\n3").pixels, (Pixels{0, 85, 255}));
  EXPECT_EQ(decoded("P3 1 1 255 1 2 3 ").pixels, (Pixels{1, 2, 3}));
  EXPECT_EQ(decoded(std::string("P5 2 1 65535 \x80\x00\xFF\xFF", 17)).pixels, (Pixels{128, 255}));
  const auto refused = [](const std::string& file, const std::string& why) {
    expect_error(ErrorKind::data, why, [&] { decoded(file); });
  };
  refused("P5 2 2 255 abc", "2 x 2 pixels need 4 bytes, but 3 follow the header");
  refused("P5 99999 99999 255 ", "claims 99999 x 99999 pixels; 1 to 64000000 are read");
  refused("P5 0 4 255 ", "claims 0 x 4 pixels");
  refused("P5 4", "a number is missing");
  refused("P5 1 1 70000 a", "the largest value is 70000");
  refused("P2 1 1 9 10", "a pixel is over the largest, 9");
  refused("P2 9000 7000 9 1", "it is cut short");
}

TEST(Image, ReadsWebp) {
  const Pixels colours{250, 10, 20, 30, 240, 50};
  const Pixels clear{250, 10, 20, 255, 30, 240, 50, 0};  // red, green, blue, alpha
  std::uint8_t* bytes = nullptr;
  std::size_t size = WebPEncodeLosslessRGB(colours.data(), 2, 1, 6, &bytes);
  const std::string file(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  const Image image = decoded(file);
  EXPECT_EQ(image.shape, (Shape{.channels = 3, .height = 1, .width = 2}));
  EXPECT_EQ(image.pixels, colours);
  size = WebPEncodeLosslessRGBA(clear.data(), 2, 1, 8, &bytes);
  const std::string transparent(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  EXPECT_EQ(decoded(transparent).pixels, (Pixels{250, 10, 20, 255, 255, 255}));
  expect_error(ErrorKind::data, "it: is not a WebP that can be read: its header is damaged",
               [&] { decoded(file.substr(0, 16)); });
  expect_error(ErrorKind::data, "it is damaged or cut short",
               [&] { decoded(file.substr(0, file.size() - 4)); });
}

std::string bmp(std::uint8_t bits, std::int32_t height, const std::string& palette,
                const std::string& pixels) {
  const auto number = [](std::int64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  const auto colours = static_cast<std::int64_t>(palette.size() / 4);
  return "BM" + number(0, 8) + number(54 + static_cast<std::int64_t>(palette.size()), 4) +
         number(40, 4) + number(2, 4) + number(height, 4) + number(1, 2) + number(bits, 2) +
         std::string(16, '\0') + number(colours, 4) + number(0, 4) + palette + pixels;
}

TEST(Image, ReadsBmps) {
  // Blue, green, red; lines from the bottom up, filled to 4 bytes.
  const std::string rows("abcdef__ghijkl__", 16);
  EXPECT_EQ(decoded(bmp(24, 2, "", rows)).pixels,
            (Pixels{'i', 'h', 'g', 'l', 'k', 'j', 'c', 'b', 'a', 'f', 'e', 'd'}));
  EXPECT_EQ(decoded(bmp(24, -2, "", rows)).pixels[0], 'c');
  EXPECT_EQ(decoded(bmp(32, 1, "", "abc_def_")).pixels, (Pixels{'c', 'b', 'a', 'f', 'e', 'd'}));
  const std::string palette("\x07\x07\x07_\x63\x63\x63_", 8);
  const Image grey = decoded(bmp(8, 1, palette, std::string("\x01\x00__", 4)));
  EXPECT_EQ(grey.shape.channels, 1);
  EXPECT_EQ(grey.pixels, (Pixels{0x63, 7}));
  const auto refused = [](const std::string& file, const std::string& why) {
    expect_error(ErrorKind::data, why, [&] { decoded(file); });
  };
  refused(bmp(8, 1, palette, "\x02___"), "a pixel names no colour of its palette");
  refused(bmp(24, 2, "", "abc"), "2 x 2 pixels need 16 bytes, but 3 follow the header");
  refused(bmp(4, 1, "", "____"), "4 bits a pixel, compression 0");
  refused(bmp(24, 1 << 30, "", ""), "claims 2 x 1073741824 pixels");
  refused("BM", "its header is short");
}

TEST(Image, RefusesOtherFilesAndPngBombs) {
  expect_error(ErrorKind::data, "it: is no image of a kind that is read (JPEG, PNG, PGM, PPM,",
               [] { decoded("words"); });
  const auto named = [](const std::string& bytes, const std::string& kind) {
    expect_error(ErrorKind::data, "it: looks like " + kind + ", which is not read (JPEG, PNG,",
                 [&] { decoded(bytes); });
  };
  named("GIF89a", "GIF");
  named(std::string("II*\0", 4), "TIFF");
  named(std::string("\0\0\0\x20"
                    "ftypavif",
                    12),
        "HEIF or AVIF");
  named("P4 1 1 a", "PBM");
  expect_error(ErrorKind::data, "it is empty", [] { decoded(""); });
  std::string bomb = test::grey_png(1, 1, {0});
  bomb[16] = bomb[20] = '\1';  // the width and height of IHDR become 2^24 + 1; its checksum not
  expect_error(ErrorKind::data, "it: ", [&] { decoded(bomb); });
}

TEST(Image, ColoursBecomeGreyByTheirWeights) {
  const Image colours{{.channels = 3, .height = 1, .width = 4},
                      {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}};
  EXPECT_EQ(with_channels(colours, 1).pixels, (Pixels{76, 150, 29, 255}));
  EXPECT_EQ(with_channels(with_channels(colours, 1), 3).pixels[3], 150);
  const Image square = crop_center(
      {{.channels = 1, .height = 3, .width = 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, 1, 2);
  EXPECT_EQ(square.pixels, (Pixels{6, 7}));
}

}  // namespace
}  // namespace kindred
