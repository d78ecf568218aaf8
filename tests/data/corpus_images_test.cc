// Pictures that are odd but whole, and pictures that look whole but are not.
#include <gtest/gtest.h>
#include <stdio.h>

#include <jpeglib.h>
#include <webp/encode.h>

#include <functional>
#include <string>

#include "data/image/image.h"
#include "support/import_corpus.h"
#include "support/png_file.h"

namespace kindred {
namespace {

using test::big_endian;
using test::chunk;
using test::expect_error;
using test::png;
using test::TempFolder;
using Pixels = std::vector<std::uint8_t>;
using namespace std::string_literals;

Image decoded(const std::string& bytes, int bits = 16) {
  return decode_image(std::as_bytes(std::span(bytes.data(), bytes.size())), "it", bits);
}

void refused(const std::string& file, const std::string& why) {
  expect_error(ErrorKind::data, why, [&] { decoded(file); });
}

/// How a JPEG is made.
struct JpegKind {
  J_COLOR_SPACE from = JCS_GRAYSCALE;
  J_COLOR_SPACE to = JCS_GRAYSCALE;
  bool progressive = false;
  int side = 32;
};

// `values` [side, side, components].
std::string jpeg(const JpegKind& kind, const Pixels& values) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  const int components = kind.from == JCS_GRAYSCALE ? 1 : kind.from == JCS_RGB ? 3 : 4;
  encoder.image_width = static_cast<JDIMENSION>(kind.side);
  encoder.image_height = static_cast<JDIMENSION>(kind.side);
  encoder.input_components = components;
  encoder.in_color_space = kind.from;
  jpeg_set_defaults(&encoder);
  jpeg_set_colorspace(&encoder, kind.to);
  jpeg_set_quality(&encoder, 95, TRUE);
  if (kind.progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  for (int y = 0; y < kind.side; ++y) {
    JSAMPROW line = const_cast<JSAMPROW>(values.data()) + y * kind.side * components;
    jpeg_write_scanlines(&encoder, &line, 1);
  }
  jpeg_finish_compress(&encoder);
  std::string file(reinterpret_cast<const char*>(bytes), size);
  jpeg_destroy_compress(&encoder);
  free(bytes);
  return file;
}

Pixels noise(int count) {
  Pixels pixels;
  unsigned state = 1;
  for (int i = 0; i < count; ++i) {
    pixels.push_back(static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24));
  }
  return pixels;
}

std::string grey(bool progressive = false) {
  return jpeg({.progressive = progressive}, noise(32 * 32));
}

// Behind JFIF's segment, the first.
std::size_t behind_app0(const std::string& file) {
  return 4 + static_cast<unsigned char>(file[4]) * 256U + static_cast<unsigned char>(file[5]);
}

TEST(ImageCorpus, EveryWarningOfAJpegIsJudged) {
  const std::string whole = grey();
  const Image image = decoded(whole);
  std::string zero = whole;
  zero.insert(behind_app0(zero), 1, '\0');
  EXPECT_EQ(decoded(zero).pixels, image.pixels);  // harmless alone
  refused(zero.substr(0, zero.size() / 2), "it: JPEG is damaged: ");
  refused(zero.substr(0, zero.size() - 20), "it: JPEG is damaged: ");
  std::string flipped = zero;
  flipped.replace(flipped.size() / 2, 2, "\xFF\xD3");  // a restart that none is due
  refused(flipped, "it: JPEG is damaged: ");
}

TEST(ImageCorpus, WholeJpegsWithOddHeadersAreRead) {
  const std::string whole = grey();
  const Image image = decoded(whole);
  std::string revision = whole;
  revision[11] = 2;  // JFIF 2.01
  EXPECT_EQ(decoded(revision).pixels, image.pixels);
  EXPECT_EQ(decoded(whole.substr(0, whole.size() - 2)).pixels, image.pixels);  // no end
  std::string scan = whole;
  const std::size_t at = scan.find("\xFF\xDA");
  scan[at + 8] = 0;  // the end of its coefficients: "Invalid SOS parameters for sequential JPEG"
  EXPECT_EQ(decoded(scan).pixels, image.pixels);
  EXPECT_EQ(decoded(whole + std::string(100, '\0')).pixels, image.pixels);  // more behind the end
}

TEST(ImageCorpus, AProgressiveJpegWithoutItsLastScansIsCutShort) {
  const std::string whole = grey(true);
  const Image image = decoded(whole);
  EXPECT_EQ(decoded(whole.substr(0, whole.size() - 2)).pixels, image.pixels);
  const std::size_t last_scan = whole.rfind("\xFF\xDA");
  const std::size_t tables = whole.rfind("\xFF\xC4", last_scan);
  for (const std::size_t end : {last_scan, tables}) {
    refused(whole.substr(0, end), "it: JPEG is damaged: it is cut short, between two scans");
  }
}

TEST(ImageCorpus, JpegsForPrintingBecomeRgb) {
  // Adobe's: 255 is no ink.
  Pixels ink;
  for (int i = 0; i < 32 * 32; ++i) ink.insert(ink.end(), {255, 128, 0, 255});
  for (const J_COLOR_SPACE space : {JCS_CMYK, JCS_YCCK}) {
    const Image image = decoded(jpeg({.from = JCS_CMYK, .to = space}, ink));
    EXPECT_EQ(image.shape.channels, 3);
    EXPECT_NEAR(image.pixels[0], 255, 3);  // of quality 95
    EXPECT_NEAR(image.pixels[1], 128, 3);
    EXPECT_NEAR(image.pixels[2], 0, 3);
  }
  // Without Adobe's segment 255 is all ink.
  std::string plain = jpeg({.from = JCS_CMYK, .to = JCS_CMYK}, ink);
  const std::size_t adobe = plain.find("\xFF\xEE");
  ASSERT_NE(adobe, plain.npos);
  plain.erase(adobe, 16);
  EXPECT_NEAR(decoded(plain).pixels[2], 0, 3);  // all black ink
  EXPECT_NEAR(decoded(plain).pixels[0], 0, 3);
}

// A TIFF structure with the tag of orientation alone.
std::string exif(char orientation) {
  return "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + orientation + "\0\0\0\0\0\0"s;
}

TEST(ImageCorpus, PngAndWebpAreTurnedAsExifSays) {
  const Pixels mirrored{9, 5};
  EXPECT_EQ(decoded(png(2, 1, 8, 0, "\0\5\x09"s)).pixels, (Pixels{5, 9}));
  EXPECT_EQ(decoded(png(2, 1, 8, 0, "\0\5\x09"s, chunk("eXIf", exif(2)))).pixels, mirrored);
  const Image turned = decoded(png(2, 1, 8, 0, "\0\5\x09"s, chunk("eXIf", exif(6))));
  EXPECT_EQ(turned.shape.height, 2);
  const Pixels colours{250, 10, 20, 30, 240, 50};
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeLosslessRGB(colours.data(), 2, 1, 6, &bytes);
  const std::string picture(reinterpret_cast<const char*>(bytes) + 12, size - 12);
  WebPFree(bytes);
  const auto riff = [](const std::string& name, std::string content) {
    std::string little = big_endian(static_cast<std::uint32_t>(content.size()));
    std::reverse(little.begin(), little.end());
    if (content.size() % 2 == 1) content += '\0';
    return name + little + content;
  };
  const std::string extended = riff("VP8X", "\x08\0\0\0\1\0\0\0\0\0"s) + picture;
  const auto webp = [&](const std::string& chunks) { return riff("RIFF", "WEBP" + chunks); };
  EXPECT_EQ(decoded(webp(extended + riff("EXIF", exif(1)))).pixels, colours);
  for (const std::string& head : {""s, "Exif\0\0"s}) {
    EXPECT_EQ(decoded(webp(extended + riff("EXIF", head + exif(2)))).pixels,
              (Pixels{30, 240, 50, 250, 10, 20}));
  }
}

TEST(ImageCorpus, WhatIsSeenThroughIsTheSameInPngAndWebp) {
  Pixels clear;
  for (int value = 0; value < 256; value += 15) {
    for (int alpha = 0; alpha < 256; alpha += 15) {
      clear.insert(clear.end(),
                   {static_cast<std::uint8_t>(value), 7, 200, static_cast<std::uint8_t>(alpha)});
    }
  }
  const auto count = static_cast<std::uint32_t>(clear.size() / 4);
  // Colours of what is fully clear are nobody's: WebP's encoder may change them.
  const std::string as_png = png(count, 1, 8, 6, "\0"s + std::string(clear.begin(), clear.end()));
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeLosslessRGBA(clear.data(), static_cast<int>(count), 1,
                                                  static_cast<int>(clear.size()), &bytes);
  const std::string as_webp(reinterpret_cast<const char*>(bytes), size);
  WebPFree(bytes);
  EXPECT_EQ(decoded(as_png).pixels, decoded(as_webp).pixels);
  const std::size_t middle = (5 * 18 + 8) * 3;  // value 75, alpha 120
  EXPECT_EQ(decoded(as_png).pixels[middle], (75 * 120 + 255 * 135 + 127) / 255);
  EXPECT_EQ(decoded(png(1, 1, 8, 4, "\0\x4B\x78"s)).pixels, Pixels{decoded(as_png).pixels[middle]});
}

TEST(ImageCorpus, TwelveBitsInSixteenAreToldAndCanBeNamed) {
  const auto deep_png = [](unsigned value) {
    return png(1, 1, 16, 0, "\0"s + static_cast<char>(value >> 8) + static_cast<char>(value & 255));
  };
  const auto deep_pgm = [](unsigned value) {
    return "P5 1 1 65535 "s + static_cast<char>(value >> 8) + static_cast<char>(value & 255);
  };
  for (const auto& make : {std::function<std::string(unsigned)>(deep_png),
                           std::function<std::string(unsigned)>(deep_pgm)}) {
    EXPECT_EQ(decoded(make(4095)).pixels, Pixels{16});
    EXPECT_EQ(decoded(make(4095)).largest, 4095);
    EXPECT_EQ(decoded(make(4095), 12).pixels, Pixels{255});
    EXPECT_EQ(decoded(make(2048), 12).pixels, Pixels{128});
    EXPECT_EQ(decoded(make(65535), 12).pixels, Pixels{255});
    EXPECT_EQ(decoded(make(65535)).pixels, Pixels{255});
  }
  EXPECT_EQ(decoded("P5 1 1 4095 \x0F\xFF").pixels, Pixels{255});
  test::ImportCase dark{"dark",
                        {{"cat/1.png", deep_png(0x0610)}, {"cat/2.pgm", deep_pgm(0x0FFF)}},
                        "\x06:cat:0 \x10:cat:0",
                        {"2 of 2 pictures of 16 bits a channel hold no value above 4095",
                         "where they are of 12 bits, say --bits 12"}};
  expect_import(dark);
  dark.options.bits = 12;
  dark.expected = "a:cat:0 \xFF:cat:0";
  dark.said = {};
  expect_import(dark);
}

TEST(ImageCorpus, AllEndingsOfJpegsAreTaken) {
  const std::string file = grey();
  const TempFolder folder;
  for (const char* name : {"1.jpg", "2.jpeg", "3.jpe", "4.jfif", "5.JFIF", "6.jif"}) {
    test::write_text(folder / ("in/cat/"s + name), file);
  }
  const ImportReport report =
      import_dataset(std::vector<std::string>{folder / "in"}, folder / "out.h5", {});
  EXPECT_EQ(report.samples, 6);
  EXPECT_TRUE(report.skipped.empty());
}

TEST(ImageCorpus, NothingDamagedPassesWhereNothingMayBeLeftOut) {
  std::string zero = grey();
  zero.insert(behind_app0(zero), 1, '\0');
  const TempFolder folder;
  test::write_text(folder / "in/cat/1.jpg", grey());
  test::write_text(folder / "in/cat/2.jpg", zero.substr(0, zero.size() / 2));
  const std::vector<std::string> sources{folder / "in"};
  EXPECT_EQ(import_dataset(sources, folder / "out.h5", {}).unreadable.size(), 1U);
  expect_error(ErrorKind::data, "2.jpg: JPEG is damaged",
               [&] { import_dataset(sources, folder / "out.h5", {.strict = true}); });
}

}  // namespace
}  // namespace kindred
