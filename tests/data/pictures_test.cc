#include "kindred/data/pictures.h"

#include <gtest/gtest.h>

#include "data/image/image.h"
#include "support/data_files.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

Image decoded(const std::string& sheet, Index channels) {
  return decode_png(std::as_bytes(std::span(sheet.data(), sheet.size())), channels, "sheet");
}

TEST(Png, IsReadAsItWasWritten) {
  for (const Index channels : {1, 3}) {
    Image image{{.channels = channels, .height = 5, .width = 7}, {}};
    for (Index i = 0; i < image.shape.size(); ++i) {
      image.pixels.push_back(static_cast<std::uint8_t>(37 * i % 256));
    }
    const Image again = decoded(encode_png(image), channels);
    EXPECT_EQ(again.shape.height, 5);
    EXPECT_EQ(again.shape.width, 7);
    EXPECT_EQ(again.pixels, image.pixels);
  }
}

TEST(PictureSheets, HoldEachSampleInItsCell) {
  const test::TempFolder folder;
  test::DataFile file;
  file.height = 2;
  file.width = 3;
  file.images = test::numbered_images(12, 6);
  test::write_data_file(folder / "data.h5", file);
  const Dataset dataset = Dataset::open(folder / "data.h5");
  const std::vector<Index> samples = {11, 3, 5, 7, 0, 8, 9};
  PictureOptions options;
  options.per_sheet = 4;
  for (const int threads : {1, 2, 3}) {
    const PictureSheets pictures = picture_sheets(Workers(threads), dataset, samples, options);
    EXPECT_EQ(pictures.count, 7);
    EXPECT_EQ(pictures.columns, 2);
    EXPECT_TRUE(pictures.ink);
    ASSERT_EQ(pictures.sheets.size(), 2U);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const Image sheet = decoded(pictures.sheets[i / 4], 1);
      const auto row = static_cast<Index>(i % 4 / 2 * 2);
      const auto column = static_cast<Index>(i % 2 * 3);
      EXPECT_EQ(sheet.pixels[static_cast<std::size_t>(row * sheet.shape.width + column)],
                samples[i]);
    }
  }
}

TEST(PictureSheets, MakeLargePicturesSmaller) {
  const test::TempFolder folder;
  test::DataFile file;
  file.height = 96;
  file.width = 64;
  file.channels = 3;
  file.images.assign(2 * 96 * 64 * 3, 200);
  test::write_data_file(folder / "data.h5", file);
  const Dataset dataset = Dataset::open(folder / "data.h5");
  const std::vector<Index> samples = {0, 1};
  const PictureSheets pictures = picture_sheets(Workers(2), dataset, samples);
  EXPECT_EQ(pictures.height, 48);
  EXPECT_EQ(pictures.width, 32);
  EXPECT_FALSE(pictures.ink);
  EXPECT_EQ(decoded(pictures.sheets[0], 3).pixels[0], 200);
}

TEST(PictureSheets, StopAtTheirLimit) {
  const test::TempFolder folder;
  test::DataFile file;
  file.images = test::numbered_images(40, 4);
  test::write_data_file(folder / "data.h5", file);
  const Dataset dataset = Dataset::open(folder / "data.h5");
  PictureOptions options;
  options.per_sheet = 10;
  options.most_bytes = 1;
  // The first sheet is always kept: there are pictures, if few.
  EXPECT_EQ(picture_sheets(Workers(2), dataset, dataset.samples_of(Split::all), options).count, 10);
}

TEST(PictureSheets, AreNoneForVectors) {
  const test::TempFolder folder;
  test::DataFile file;
  file.vectors = {1, 2, 3, 4};
  test::write_data_file(folder / "data.h5", file);
  const Dataset dataset = Dataset::open(folder / "data.h5");
  const std::vector<Index> samples = {0, 1};
  EXPECT_EQ(picture_sheets(Workers(1), dataset, samples).count, 0);
}

}  // namespace
}  // namespace kindred
