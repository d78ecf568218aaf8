// Images made to do harm, and kinds that are rare: refused or read by a stated rule.
#include <gtest/gtest.h>
#include <turbojpeg.h>

#include <string>

#include "data/image/image.h"
#include "support/png_file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::chunk;
using test::expect_error;
using test::png;
using test::zlib;
using Pixels = std::vector<std::uint8_t>;
using namespace std::string_literals;

Image decoded(const std::string& bytes) {
  return decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), "it");
}

void refused(const std::string& file, const std::string& why) {
  expect_error(ErrorKind::data, why, [&] { decoded(file); });
}

std::string jpeg_of(int side, int format, int sampling) {
  const tjhandle encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const Pixels pixels(static_cast<std::size_t>(side * side * 4), 90);
  tjCompress2(encoder, pixels.data(), side, 0, side, format, &bytes, &size, sampling, 90, 0);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  tjFree(bytes);
  tjDestroy(encoder);
  return file;
}

std::string grey_jpeg(int side) { return jpeg_of(side, TJPF_GRAY, TJSAMP_GRAY); }

TEST(ImagePolicy, PixelsAreCountedBeforeTheyAreDecoded) {
  refused(png(100'000, 100'000, 8, 0, "\0a"s), "it: claims 100000 x 100000 pixels; 1 to 64000000");
  std::string jpeg = grey_jpeg(8);
  const std::size_t frame = jpeg.find("\xFF\xC0");
  jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");
  refused(jpeg, "it: claims 65500 x 65500 pixels; 1 to 64000000 are read");
  refused("P6 100000 100000 255 ", "it: claims 100000 x 100000 pixels");
  // 64 million pixels in 64 KB are within the limit.
  EXPECT_EQ(decoded(png(8000, 8000, 1, 0, std::string(1001 * 8000, '\0'))).pixels.size(),
            64'000'000U);
}

TEST(ImagePolicy, AJpegOfManyScansIsABomb) {
  const std::string jpeg = grey_jpeg(8);
  const std::size_t scan = jpeg.find("\xFF\xDA");
  const std::string one = jpeg.substr(scan, jpeg.size() - 2 - scan);
  std::string bomb = jpeg.substr(0, scan);
  for (int i = 0; i < 101; ++i) bomb += one;
  refused(bomb + "\xFF\xD9", "it: has more than 100 scans; it is taken for a bomb");
}

TEST(ImagePolicy, JpegsOfTwelveBitsAreRefused) {
  std::string twelve = grey_jpeg(8);
  twelve[twelve.find("\xFF\xC0") + 4] = 12;
  refused(twelve, "it: is not a JPEG that can be read: Unsupported JPEG data precision 12");
}

TEST(ImagePolicy, PngsOfEveryDepthBecomeBytes) {
  // 16 bits: the larger byte, rounded; without a gamma of their own they are as 8 bits are.
  EXPECT_EQ(decoded(png(3, 1, 16, 0, "\0\x80\x00\x12\x34\xFF\xFF"s)).pixels,
            (Pixels{0x80, 0x12, 0xFF}));
  EXPECT_EQ(decoded(png(3, 1, 1, 0, "\0\xA0"s)).pixels, (Pixels{255, 0, 255}));
  const std::string palette = chunk("PLTE", "\x01\x02\x03\x0A\x0B\x0C");
  const Image colours = decoded(png(2, 1, 8, 3, "\0\1\0"s, palette));
  EXPECT_EQ(colours.shape.channels, 3);
  EXPECT_EQ(colours.pixels, (Pixels{10, 11, 12, 1, 2, 3}));
  // Grey with alpha, on white.
  const Pixels clear = decoded(png(2, 1, 8, 4, "\0\x07\xFF\x07\0"s)).pixels;
  EXPECT_EQ(clear, (Pixels{7, 255}));
}

TEST(ImagePolicy, TextsAndProfilesInPngsAreBounded) {
  const std::string much = zlib(std::string(64 << 20, 'a'));  // 64 KB
  std::string texts;
  for (int i = 0; i < 20; ++i) texts += chunk("zTXt", "key\0\0"s + much);
  EXPECT_EQ(decoded(png(1, 1, 8, 0, "\0a"s, texts)).pixels, Pixels{'a'});
  EXPECT_EQ(decoded(png(1, 1, 8, 0, "\0a"s, chunk("iCCP", "key\0\0"s + much))).pixels, Pixels{'a'});
  std::string many;
  for (int i = 0; i < 3000; ++i) many += chunk("tEXt", "key\0text"s);
  EXPECT_EQ(decoded(png(1, 1, 8, 0, "\0a"s, many)).pixels, Pixels{'a'});
}

TEST(ImagePolicy, WhatIsCutShortOrDamagedIsRefused) {
  std::string rows;
  unsigned noise = 1;
  for (int i = 0; i < 40 * 41; ++i) {
    rows += i % 41 == 0 ? '\0' : static_cast<char>((noise = noise * 1664525 + 1013904223) >> 24);
  }
  const std::string whole = png(40, 40, 8, 0, rows);
  EXPECT_EQ(decoded(whole).pixels.size(), 1600U);
  for (std::size_t length = 8; length < whole.size() - 16; length += 97) {
    refused(whole.substr(0, length), "it: ");
  }
  std::string changed = whole;
  changed[whole.size() / 2] = static_cast<char>(changed[whole.size() / 2] ^ 1);
  refused(changed, "it: PNG is damaged: ");
  const std::string jpeg = grey_jpeg(64);
  refused(jpeg.substr(0, jpeg.size() - 20), "it: JPEG is damaged: ");
}

TEST(ImagePolicy, AnimationsAreRefused) {
  const std::string animation =
      "RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\x07\0\0\x07\0\0ANIM\0\0\0\0"s;
  refused(animation, "it: is not a WebP that can be read: it is an animation");
}

}  // namespace
}  // namespace kindred
