#include "kindred/data/sample_source.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "kindred/data/dataset.h"
#include "support/data_files.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using test::error_of;
using test::numbered_images;

constexpr Shape kTwoByTwo{.channels = 1, .height = 2, .width = 2};

std::string data_error(auto call) { return error_of(call, ErrorKind::data); }

TEST(SampleSource, MemoryIsReadInAnyOrder) {
  const std::vector<std::uint8_t> values = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23};
  const auto source = samples_in_memory(values, kTwoByTwo);
  EXPECT_EQ(source->size(), 3);
  EXPECT_EQ(source->sample_bytes(), 4);
  EXPECT_TRUE(source->in_memory());
  std::vector<std::byte> read(12);
  source->read(std::vector<Index>{2, 0, 2}, read.data(), Reading::random);
  EXPECT_EQ(read[0], std::byte{20});
  EXPECT_EQ(read[5], std::byte{1});
  EXPECT_EQ(read[11], std::byte{23});
}

TEST(SampleSource, RefusesValuesThatAreNoWholeSamples) {
  const std::vector<std::uint8_t> five(5);
  EXPECT_EQ(data_error([&] { samples_in_memory(five, kTwoByTwo); }),
            "samples in memory: 5 values are no whole number of samples of 2 x 2 x 1");
  EXPECT_EQ(data_error([&] { samples_in_memory(std::span<const std::uint8_t>(), kTwoByTwo); }),
            "samples in memory: 0 values are no whole number of samples of 2 x 2 x 1");
}

TEST(SampleSource, RefusesFloatsThatAreNotFinite) {
  const std::vector<float> values = {0, 1, 2, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_NE(data_error([&] { samples_in_memory(values, Shape{.channels = 2}); }).find("nan"),
            std::string::npos);
}

TEST(Dataset, IsMadeOfAnySource) {
  const std::vector<std::uint8_t> values = numbered_images(3, 4);
  SampleColumns columns;
  columns.labels = {1, 0, 1};
  columns.class_names = {"zero", "one"};
  columns.split = {0, 2, 1};
  const Dataset data = Dataset::from_source(samples_in_memory(values, kTwoByTwo), columns);
  EXPECT_EQ(data.size(), 3);
  EXPECT_EQ(data.classes(), 2);
  EXPECT_EQ(data.shape(), kTwoByTwo);
  EXPECT_EQ(data.element(), Element::u8);
  EXPECT_EQ(data.samples_of(Split::test), std::vector<Index>{1});
  EXPECT_EQ(data.columns().of(std::vector<Index>{2, 1}).labels, (std::vector<std::int64_t>{1, 0}));
}

TEST(Dataset, RefusesColumnsThatDoNotFitItsSource) {
  const std::vector<std::uint8_t> values = numbered_images(3, 4);
  const auto error_with = [&](auto change) {
    SampleColumns columns;
    change(columns);
    return data_error([&] { Dataset::from_source(samples_in_memory(values, kTwoByTwo), columns); });
  };
  EXPECT_EQ(error_with([](auto& columns) {
              columns.labels = {0, 1};
            }),
            "samples in memory: labels has 2 rows but there are 3 samples; both need one row per "
            "sample");
  EXPECT_EQ(error_with([](auto& columns) {
              columns.labels = {0, -1, 0};
            }),
            "samples in memory: labels row 1 is -1; labels count from 0");
  EXPECT_EQ(error_with([](auto& columns) {
              columns.labels = {0, 1, 0};
              columns.class_names = {"one"};
            }),
            "samples in memory: labels row 1 is 1, but /class_names has 1 names (labels 0 to 0)");
  EXPECT_EQ(error_with([](auto& columns) {
              columns.split = {0, 3, 0};
            }),
            "samples in memory: split row 1 is 3; expected 0 (train), 1 (validation) or 2 (test)");
}

}  // namespace
}  // namespace kindred
