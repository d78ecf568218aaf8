// Data sets that do not fit: what is read is the same, memory is what it was said to be.
#include <gtest/gtest.h>

#include <cstring>
#include <regex>
#include <thread>

#include "data/dataset/sample_stream.h"
#include "kindred/core/random.h"
#include "kindred/data/dataset.h"
#include "support/data_files.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using test::write_data_file;

constexpr Index kCount = 1000;
constexpr Index kBytes = 16 * 16;

std::vector<std::uint8_t> random_images() {
  std::vector<std::uint8_t> images(kCount * kBytes);
  Random random(1, Purpose::test);
  for (std::uint8_t& byte : images) byte = static_cast<std::uint8_t>(random.below(4));
  return images;
}

const std::vector<Hdf5Storage> kStorages{{},
                                         {.chunk = {7, 16, 16, 1}},
                                         {.chunk = {7, 16, 16, 1}, .gzip = 1},
                                         {.chunk = {64, 8, 16, 1}, .gzip = 4, .shuffle = true}};

SampleStream::Way way_of(const std::string& path) {
  Hdf5File file = Hdf5File::open(path);
  return SampleStream(SampleRows(file.dataset("images"), file.where("images"), Element::u8),
                      {.bytes = Index{1} << 20})
      .way();
}

// With room for all and for a few blocks, by several threads at once, in order and at random.
TEST(Streaming, SamplesEqualThoseInMemory) {
  const TempFolder folder;
  const std::vector<std::uint8_t> images = random_images();
  for (const Hdf5Storage& storage : kStorages) {
    write_data_file(folder / "a.h5",
                    {.height = 16, .width = 16, .images = images, .storage = storage});
    EXPECT_EQ(way_of(folder / "a.h5"),
              storage.gzip > 0 ? SampleStream::Way::chunks : SampleStream::Way::whole_rows);
    const Dataset whole = Dataset::open(folder / "a.h5");
    ASSERT_TRUE(whole.in_memory());
    for (const Index memory : {Index{200} << 10, Index{1} << 40}) {
      const Dataset streamed = Dataset::stream(folder / "a.h5", memory);
      ASSERT_FALSE(streamed.in_memory());
      const auto check = [&](std::uint64_t thread) {
        Random draw(2, Purpose::test, thread);
        for (int turn = 0; turn < 30; ++turn) {
          std::vector<Index> samples(static_cast<std::size_t>(1 + draw.below(100)));
          const bool in_order = turn % 3 == 2;
          const Index first = draw.below(kCount - 100);
          for (std::size_t i = 0; i < samples.size(); ++i) {
            samples[i] = in_order ? first + static_cast<Index>(i) : draw.below(kCount);
          }
          std::vector<std::byte> expected(samples.size() * kBytes);
          std::vector<std::byte> found(samples.size() * kBytes, std::byte{0xAA});
          whole.read(samples, expected.data());
          streamed.read(samples, found.data(), in_order ? Reading::in_order : Reading::random);
          EXPECT_EQ(found, expected);
        }
      };
      std::vector<std::thread> threads;
      for (std::uint64_t thread = 0; thread < 4; ++thread) threads.emplace_back(check, thread);
      for (std::thread& thread : threads) thread.join();
    }
  }
}

// Numbers that HDF5 has to convert, and images whose axes are turned.
TEST(Streaming, WhatOnlyHdf5CanReadIsReadByIt) {
  const TempFolder folder;
  std::vector<double> numbers(kCount * 40);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<double>(i) / 8;
  std::vector<std::uint8_t> planes = random_images();
  {
    Hdf5Writer writer(folder / "doubles.h5");
    writer.write<double>("vectors", {kCount, 40}, numbers, {.chunk = {30, 40}, .gzip = 1});
    writer.finish();
  }
  {
    Hdf5Writer writer(folder / "planes.h5");
    planes.resize(kCount * 3 * 8 * 8);
    writer.write<std::uint8_t>("x", {kCount, 3, 8, 8}, planes);
    writer.write<std::int64_t>("y", {kCount}, std::vector<std::int64_t>(kCount, 1));
    writer.finish();
  }
  for (const char* name : {"doubles.h5", "planes.h5"}) {
    const Dataset whole = Dataset::open(folder / name);
    const Dataset streamed = Dataset::stream(folder / name);
    const std::vector<Index> samples{999, 0, 500, 501, 0};
    std::vector<std::byte> expected(samples.size() *
                                    static_cast<std::size_t>(whole.sample_bytes()));
    std::vector<std::byte> found(expected.size());
    whole.read(samples, expected.data());
    streamed.read(samples, found.data(), Reading::random);
    EXPECT_EQ(found, expected) << name;
    EXPECT_NE(streamed.advice().find("by HDF5, for one reader at a time; `kindred pack "),
              std::string::npos)
        << streamed.advice();
  }
}

// Too little is an error that names the least; that is enough, a little less is not.
TEST(Streaming, TheLeastMemoryIsNamed) {
  const TempFolder folder;
  const std::vector<std::uint8_t> images = random_images();
  for (const Hdf5Storage& storage : kStorages) {
    write_data_file(folder / "a.h5", {.height = 16,
                                      .width = 16,
                                      .images = images,
                                      .labels = std::vector<std::int64_t>(kCount, 3),
                                      .storage = storage});
    std::string message;
    try {
      Dataset::open(folder / "a.h5", 1);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::recipe);
      message = error.what();
    }
    std::smatch least;
    ASSERT_TRUE(std::regex_search(message, least, std::regex("the least is \"([0-9]+)KiB\"")))
        << message;
    const Index bytes = std::stol(least[1]) << 10;
    EXPECT_FALSE(Dataset::open(folder / "a.h5", bytes).in_memory());
    expect_error(ErrorKind::recipe, "[data] memory = ", [&] {
      Dataset::open(folder / "a.h5", bytes - (Index{2} << 10));
    });
  }
}

TEST(Streaming, ThreeQuartersOfTheMemoryMayHoldSamples) {
  const TempFolder folder;
  write_data_file(folder / "a.h5", {.height = 16, .width = 16, .images = random_images()});
  // 256,000 bytes and an index of 16 for each of 1000 samples: 272,000 are 3/4 of 362,667.
  EXPECT_TRUE(Dataset::open(folder / "a.h5", 362'680).in_memory());
  EXPECT_FALSE(Dataset::open(folder / "a.h5", 362'600).in_memory());
}

TEST(Streaming, AdvisesToPackWhatIsPackedButNotSorted) {
  const TempFolder folder;
  std::vector<std::int64_t> labels(kCount);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i / 20);
  const auto advice = [&](const Hdf5Storage& storage, bool streamed) {
    write_data_file(folder / "a.h5", {.height = 16,
                                      .width = 16,
                                      .images = random_images(),
                                      .labels = labels,
                                      .storage = storage});
    return streamed ? Dataset::stream(folder / "a.h5").advice()
                    : Dataset::open(folder / "a.h5").advice();
  };
  EXPECT_EQ(advice(kStorages[2], true), "");
  std::swap(labels[0], labels[999]);
  EXPECT_EQ(
      advice(kStorages[2], true),
      (folder / "a.h5") +
          " is streamed from packed chunks, where classes do not lie together; `kindred pack " +
          (folder / "a.h5") + " PACKED.h5` writes a copy that is read faster");
  EXPECT_EQ(advice(kStorages[2], false), "");
  EXPECT_EQ(advice(kStorages[0], true), "");
}

TEST(Streaming, PathsAreReadWhenTheyAreAskedFor) {
  const TempFolder folder;
  std::vector<std::string> paths;
  for (Index i = 0; i < kCount; ++i) paths.push_back("class/" + std::to_string(i));
  Hdf5Writer writer(folder / "a.h5");
  writer.write<std::uint8_t>("images", {kCount, 16, 16, 1}, random_images());
  writer.write_strings("paths", paths);
  writer.finish();
  EXPECT_EQ(Dataset::stream(folder / "a.h5").paths(), paths);
  EXPECT_EQ(Dataset::open(folder / "a.h5").paths(), paths);
}

}  // namespace
}  // namespace kindred
