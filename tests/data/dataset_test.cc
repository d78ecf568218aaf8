#include "kindred/data/dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "support/data_files.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::DataFile;
using test::expect_error;
using test::numbered_images;
using test::TempFolder;
using test::write_data_file;

const std::vector<std::uint8_t> kThree = numbered_images(3, 4);

TEST(Dataset, HoldsWhatTheFileSays) {
  const TempFolder folder;
  write_data_file(folder / "a.h5", {.images = kThree,
                                    .labels = {1, 0, 1},
                                    .class_names = {"zero", "one", "two"},
                                    .split = {0, 2, 1},
                                    .targets = {0.5F, 1.5F, 2.5F}});
  const Dataset data = Dataset::open(folder / "a.h5");
  EXPECT_EQ(data.size(), 3);
  EXPECT_EQ(data.shape(), (Shape{.channels = 1, .height = 2, .width = 2}));
  EXPECT_EQ(data.element(), Element::u8);
  EXPECT_EQ(data.sample_bytes(), 4);
  EXPECT_TRUE(data.in_memory());
  EXPECT_EQ(data.classes(), 3);
  EXPECT_EQ(data.class_names()[1], "one");
  EXPECT_EQ(data.labels()[2], 1);
  EXPECT_EQ(data.targets()(1, 0), 1.5F);
  EXPECT_EQ(data.samples_of(Split::train), std::vector<Index>{0});
  EXPECT_EQ(data.samples_of(Split::test), std::vector<Index>{1});
  EXPECT_EQ(data.samples_of(Split::validation), std::vector<Index>{2});
  EXPECT_EQ(data.samples_of(Split::all), (std::vector<Index>{0, 1, 2}));
  std::vector<std::byte> read(8);
  data.read(std::vector<Index>{2, 0}, read.data());
  EXPECT_EQ(read[3], std::byte{2});
  EXPECT_EQ(read[4], std::byte{0});
}

TEST(Dataset, VectorsMayComeAsAnyNumbers) {
  const TempFolder folder;
  {
    Hdf5Writer writer(folder / "a.h5");
    writer.write<double>("vectors", {2, 3}, std::vector<double>{0, 1, 2, 3, 4, 0.1});
    writer.write<double>("labels", {2, 1}, std::vector<double>{4, 2});
    writer.finish();
  }
  const Dataset data = Dataset::open(folder / "a.h5");
  EXPECT_EQ(data.shape(), (Shape{.channels = 3}));
  EXPECT_EQ(data.sample_bytes(), 12);
  EXPECT_EQ(data.labels()[0], 4);
  EXPECT_EQ(data.classes(), 5);
  std::vector<float> read(3);
  data.read(std::vector<Index>{1}, reinterpret_cast<std::byte*>(read.data()));
  EXPECT_EQ(read, (std::vector<float>{3, 4, 0.1F}));
}

TEST(Dataset, SaysWhatIsMissing) {
  const TempFolder folder;
  expect_error(ErrorKind::no_input, "none.h5: cannot open",
               [&] { Dataset::open(folder / "none.h5"); });
  write_data_file(folder / "a.h5", {.labels = {1, 2}});
  expect_error(ErrorKind::data,
               "a.h5: has no data set of images or vectors; it holds /labels integer [2]",
               [&] { Dataset::open(folder / "a.h5"); });
  write_data_file(folder / "a.h5", {.images = kThree, .vectors = {1, 2}});
  expect_error(ErrorKind::data, "a.h5: has both /images", [&] { Dataset::open(folder / "a.h5"); });
  write_data_file(folder / "a.h5", {.images = kThree});
  const Dataset unlabelled = Dataset::open(folder / "a.h5");
  expect_error(ErrorKind::data, "a.h5: /labels is missing; softmax needs one label",
               [&] { require_labels(unlabelled, "softmax"); });
}

TEST(Dataset, RefusesCountsThatDisagree) {
  const TempFolder folder;
  const auto open = [&] { Dataset::open(folder / "a.h5"); };
  write_data_file(folder / "a.h5", {.images = kThree, .labels = {0, 1}});
  expect_error(ErrorKind::data,
               "a.h5: /labels has 2 rows but /images has 3; each image needs one label", open);
  write_data_file(folder / "a.h5", {.vectors = {1, 2, 3, 4}, .labels = {0, 1, 2}});
  expect_error(ErrorKind::data,
               "a.h5: /labels has 3 rows but /vectors has 2; each vector needs one label", open);
  write_data_file(folder / "a.h5", {.images = kThree, .split = {0}});
  expect_error(ErrorKind::data,
               "a.h5: /split has 1 rows but /images has 3; both need one row per sample", open);
  write_data_file(folder / "a.h5", {.images = kThree, .targets = {0}});
  expect_error(ErrorKind::data,
               "a.h5: /targets has 1 rows but /images has 3; both need one row per sample", open);
}

TEST(Dataset, RefusesValuesOutOfRange) {
  const TempFolder folder;
  const auto open = [&] { Dataset::open(folder / "a.h5"); };
  write_data_file(folder / "a.h5", {.images = kThree, .labels = {0, -1, 1}});
  expect_error(ErrorKind::data, "a.h5: /labels row 1 is -1; labels count from 0", open);
  write_data_file(folder / "a.h5",
                  {.images = kThree, .labels = {0, 1, 2}, .class_names = {"a", "b"}});
  expect_error(ErrorKind::data,
               "a.h5: /labels row 2 is 2, but /class_names has 2 names (labels 0 to 1)", open);
  write_data_file(folder / "a.h5", {.images = kThree, .split = {0, 3, 1}});
  expect_error(ErrorKind::data,
               "a.h5: /split row 1 is 3; expected 0 (train), 1 (validation) or 2 (test)", open);
  {
    Hdf5Writer writer(folder / "a.h5");
    writer.write<float>("vectors", {2, 1}, std::vector<float>{0, 1});
    writer.write<double>("labels", {2}, std::vector<double>{0, 1.5});
    writer.finish();
  }
  expect_error(ErrorKind::data, "a.h5: /labels row 1 is 1.5; labels are whole numbers", open);
}

TEST(Dataset, RefusesValuesThatAreNotFinite) {
  const TempFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  write_data_file(
      folder / "a.h5",
      {.features = 3, .vectors = {1, 2, 3, 4, 5, nan, 7, 8, 9}, .storage = {.chunk = {1, 3}}});
  const std::string message =
      "a.h5: /vectors row 1 holds nan in column 2; every value must be finite";
  expect_error(ErrorKind::data, message, [&] { Dataset::open(folder / "a.h5"); });
  expect_error(ErrorKind::data, message, [&] { Dataset::stream(folder / "a.h5"); });
  write_data_file(folder / "a.h5", {.images = kThree, .targets = {1, 2, -infinity}});
  expect_error(ErrorKind::data, "a.h5: /targets row 2 holds -inf in column 0",
               [&] { Dataset::open(folder / "a.h5"); });
}

TEST(Dataset, RefusesShapesAndTypesItCannotUse) {
  const TempFolder folder;
  const auto write = [&](const std::string& name, const std::vector<Index>& shape, auto zero) {
    Hdf5Writer writer(folder / "a.h5");
    Index count = 1;
    for (const Index extent : shape) count *= extent;
    using T = decltype(zero);
    writer.write<T>(name, shape, std::vector<T>(static_cast<std::size_t>(count), zero));
    writer.finish();
  };
  const auto open = [&] { Dataset::open(folder / "a.h5"); };
  write("images", {2, 4}, std::uint8_t{0});
  expect_error(ErrorKind::data,
               "a.h5: /images has shape [2, 4]; [N, height, width, channels] is expected", open);
  write("images", {0, 2, 2, 1}, std::uint8_t{0});
  expect_error(ErrorKind::data, "a.h5: /images has shape [0, 2, 2, 1]: it holds no samples", open);
  write("vectors", {4}, 0.0F);
  expect_error(ErrorKind::data, "a.h5: /vectors has shape [4]; [N, features] is expected", open);
}

// Any prefix of a valid file is an error with a message, never a crash. Every length near the
// start, where the headers are, and steps through the rest.
TEST(Dataset, EveryTruncationIsAnError) {
  const TempFolder folder;
  write_data_file(folder / "whole.h5", {.height = 4,
                                        .width = 4,
                                        .images = numbered_images(50, 16),
                                        .labels = std::vector<std::int64_t>(50, 1),
                                        .class_names = {"a", "b"},
                                        .storage = {.chunk = {10, 4, 4, 1}, .gzip = 3}});
  const auto size = std::filesystem::file_size(folder / "whole.h5");
  for (std::uintmax_t length = 0; length < size; length += length < 256 ? 16 : 127) {
    std::filesystem::copy_file(folder / "whole.h5", folder / "part.h5",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(folder / "part.h5", length);
    expect_error(ErrorKind::data, "part.h5: ", [&] { Dataset::open(folder / "part.h5"); });
  }
}

}  // namespace
}  // namespace kindred
