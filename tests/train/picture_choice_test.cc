#include "kindred/train/picture_choice.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/made_photos.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TempFolder;

PictureSurvey survey(std::vector<Extent> sizes, Index pictures = 500,
                     std::vector<Index> folders = {}) {
  PictureSurvey found;
  found.pictures = pictures;
  found.sizes = std::move(sizes);
  found.folder_sizes = std::move(folders);
  return found;
}

Extent size_for(std::vector<Extent> sizes, double minutes = 5, Index pictures = 500) {
  return choose_pictures(survey(std::move(sizes), pictures), minutes, true).options.size;
}

void expect_extent(const Extent& found, Index height, Index width) {
  EXPECT_EQ(found.height, height);
  EXPECT_EQ(found.width, width);
}

TEST(PictureChoice, FollowsThePicturesAndTheTime) {
  expect_extent(size_for({{28, 28}, {28, 28}}), 28, 28);      // as they are
  expect_extent(size_for({{64, 48}, {64, 48}}), 64, 48);      // too
  expect_extent(size_for({{300, 400}, {600, 500}}), 64, 64);  // squares
  expect_extent(size_for({{50, 70}, {52, 60}}), 48, 48);      // never much larger than they are
  expect_extent(size_for({{23, 30}, {22, 25}}), 20, 20);
  expect_extent(size_for({{300, 400}, {600, 500}}, 60), 96, 96);
  expect_extent(size_for({{300, 400}, {600, 500}}, 1, 100'000), 32, 32);  // many, and no time
}

TEST(PictureChoice, KeepsTheShapeOfUprightOnes) {
  const PictureChoice upright =
      choose_pictures(survey({{256, 128}, {260, 130}, {250, 120}}), 5, true);
  EXPECT_FALSE(upright.options.crop_square);
  expect_extent(upright.options.size, 92, 44);  // 64 x 64 pixels as 2 : 1
  EXPECT_TRUE(choose_pictures(survey({{256, 128}, {130, 260}}), 5, true).options.crop_square);
}

TEST(PictureChoice, KeepsOutClassesOrSamples) {
  const auto options = [](Index classes, Index each, bool split = true) {
    const auto folders = std::vector<Index>(static_cast<std::size_t>(classes), each);
    return choose_pictures(survey({{64, 64}}, classes * each, folders), 5, split).options;
  };
  EXPECT_EQ(options(70, 5).split, ImportSplit::by_class);
  EXPECT_NEAR(options(70, 5).validation_share, 10.0 / 70, 1e-12);
  EXPECT_EQ(options(12, 40).split, ImportSplit::by_sample);
  EXPECT_EQ(options(12, 40).validation_share, 0.2);
  EXPECT_EQ(options(12, 8).validation_share, 0.25);        // two of each
  EXPECT_EQ(options(12, 7).split, ImportSplit::as_found);  // none to spare
  EXPECT_EQ(options(70, 5, false).split, ImportSplit::as_found);
  EXPECT_EQ(options(70, 1).split, ImportSplit::as_found);  // none has two
  PictureSurvey found = survey({{64, 64}}, 1200, std::vector<Index>(24, 50));
  found.has_validation = true;
  EXPECT_EQ(choose_pictures(found, 5, true).options.split, ImportSplit::as_found);
}

TEST(PictureChoice, TakesColoursWhereThereAreSome) {
  PictureSurvey found = survey(std::vector<Extent>(20, Extent{64, 64}));
  found.grey = 19;
  EXPECT_EQ(choose_pictures(found, 5, true).options.colour, ImportColour::grey);
  found.grey = 18;
  EXPECT_EQ(choose_pictures(found, 5, true).options.colour, ImportColour::rgb);
}

TEST(PictureSurvey, LooksIntoFoldersAndArchives) {
  const TempFolder folder;
  auto files = test::made_photos(3, 0, 4, 24);
  files.emplace_back("star/broken.png", "\x89PNG no more");
  files.emplace_back("star/notes.txt", "no picture");
  files.emplace_back("val/star/grey.png",
                     test::grey_png(10, 20, std::vector<std::uint8_t>(200, 9)));
  test::write_zip(folder / "photos.zip", files);
  for (const auto& [name, content] : files) {
    fs::create_directories(fs::path(folder / ("photos/" + name)).parent_path());
    std::ofstream(folder / ("photos/" + name), std::ios::binary) << content;
  }
  for (const char* source : {"photos.zip", "photos"}) {
    const PictureSurvey found = survey_pictures(folder / source);
    EXPECT_EQ(found.pictures, 14);
    EXPECT_EQ(found.folder_sizes, (std::vector<Index>{1, 1, 4, 4, 4}));
    EXPECT_EQ(found.in_no_folder, 0);
    EXPECT_EQ(found.other_files, 1);
    EXPECT_TRUE(found.has_validation);
    EXPECT_EQ(found.sizes.size(), 13U);
    EXPECT_EQ(found.grey, 1);
    EXPECT_EQ(found.unreadable, 1);
    EXPECT_EQ(survey_pictures(folder / source, 5).sizes.size(), 5U);
  }
}

TEST(PictureSurvey, SaysWhatIsMissing) {
  const TempFolder folder;
  fs::create_directories(folder / "empty");
  expect_error(ErrorKind::data, "is empty; put the pictures of each thing into a folder of its own",
               [&] { survey_pictures(folder / "empty"); });
  expect_error(ErrorKind::no_input, "nowhere", [&] { survey_pictures(folder / "nowhere"); });
}

}  // namespace
}  // namespace kindred
