#include "kindred/data/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "kindred/core/file.h"
#include "kindred/core/random.h"
#include "kindred/data/hdf5_file.h"
#include "support/temp_folder.h"
#include "support/thread_group.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

constexpr Index kCount = 200;
constexpr Index kClasses = 7;

/// Everything a data set of ours can hold; every value of sample i tells i.
struct Source {
  explicit Source(const std::string& path) {
    Random random(1, Purpose::test);
    std::vector<std::uint8_t> images;
    std::vector<std::uint8_t> split, role;
    std::vector<std::int64_t> groups, people;
    std::vector<std::int32_t> episode;
    std::vector<float> targets;
    std::vector<std::string> paths;
    for (Index i = 0; i < kCount; ++i) {
      for (int k = 0; k < 30; ++k) images.push_back(static_cast<std::uint8_t>(i));
      labels.push_back(random.below(kClasses));
      split.push_back(static_cast<std::uint8_t>(i % 3));
      role.push_back(static_cast<std::uint8_t>(i % 2));
      groups.push_back(1000 + i);
      people.push_back(i % 10);
      episode.push_back(static_cast<std::int32_t>(i % 20));
      targets.push_back(static_cast<float>(i));
      targets.push_back(static_cast<float>(-i));
      paths.push_back("path" + std::to_string(i));
    }
    for (Index i = 0; i < 40; ++i) pairs.push_back(random.below(kCount));
    Hdf5Writer writer(path);
    writer.attribute("/", "format", std::string("kindred data set"));
    writer.attribute("/", "version", std::int64_t{1});
    writer.attribute("/", "source", std::string("somewhere"));
    writer.write<std::uint8_t>("images", {kCount, 6, 5, 1}, images,
                               {.chunk = {9, 6, 5, 1}, .gzip = 1});
    writer.write<std::int64_t>("labels", {kCount}, labels);
    writer.write_strings("class_names",
                         std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g"});
    writer.write<std::uint8_t>("split", {kCount}, split);
    writer.write<std::uint8_t>("role", {kCount}, role);
    writer.write<std::int64_t>("groups", {kCount}, groups);
    writer.write<std::int64_t>("people_fold", {kCount}, people);
    writer.write<std::int32_t>("episode", {kCount}, episode);
    writer.write<float>("targets", {kCount, 2}, targets);
    writer.write_strings("paths", paths);
    writer.write<std::int64_t>("pairs", {20, 2}, pairs);
    writer.write<std::uint8_t>("same", {20}, std::vector<std::uint8_t>(20, 1));
    writer.group("easy");
    writer.write<std::int64_t>("easy/pairs", {20, 2}, pairs);
    writer.write<std::uint8_t>("easy/same", {20}, std::vector<std::uint8_t>(20, 1));
    writer.write<std::int64_t>("easy/fold", {20}, std::vector<std::int64_t>(20, 3));
    writer.write<float>("thoughts", {2}, std::vector<float>{1, 2});
    writer.finish();
  }
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> pairs;
};

TEST(Pack, OrdersByLabelAndTakesEverythingAlong) {
  const TempFolder folder;
  const Source source(folder / "a.h5");
  const PackReport report = pack_dataset(folder / "a.h5", folder / "b.h5", {}, 2);
  EXPECT_EQ(report.samples, kCount);
  EXPECT_EQ(report.classes, kClasses);
  EXPECT_EQ(report.bytes, kCount * 30);
  EXPECT_EQ(report.left_out, std::vector<std::string>{"thoughts"});

  const Hdf5File file = Hdf5File::open(folder / "b.h5");
  EXPECT_TRUE(file.dataset("images").chunk().empty());
  EXPECT_EQ(file.shape("images"), (std::vector<Index>{kCount, 6, 5, 1}));
  EXPECT_EQ(file.attribute_text("", "source"), "somewhere");
  const Dataset packed = Dataset::open(folder / "b.h5");
  EXPECT_TRUE(std::is_sorted(packed.labels().begin(), packed.labels().end()));
  EXPECT_EQ(packed.class_names()[6], "g");
  const auto people = file.read<std::int64_t>("people_fold");
  std::vector<Index> was;  // row in the source
  for (Index i = 0; i < kCount; ++i) {
    std::vector<std::byte> image(30);
    packed.read(std::vector<Index>{i}, image.data());
    const auto old = std::to_integer<Index>(image[0]);
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(image[29], image[0]);
    EXPECT_EQ(packed.labels()[at], source.labels[static_cast<std::size_t>(old)]);
    EXPECT_EQ(packed.split()[at], old % 3);
    EXPECT_EQ(packed.role()[at], old % 2);
    EXPECT_EQ(packed.groups()[at], 1000 + old);
    EXPECT_EQ(people[at], old % 10);
    EXPECT_EQ(packed.episode()[at], old % 20);
    EXPECT_EQ(packed.targets()(i, 1), static_cast<float>(-old));
    EXPECT_EQ(packed.paths()[at], "path" + std::to_string(old));
    // Those of a label stay in their order.
    const bool same_label = i > 0 && packed.labels()[at] == packed.labels()[at - 1];
    EXPECT_TRUE(!same_label || old > was.back());
    was.push_back(old);
  }
  for (const char* name : {"pairs", "easy/pairs"}) {
    std::vector<std::int64_t> pairs = file.read<std::int64_t>(name);
    for (std::int64_t& row : pairs) row = was[static_cast<std::size_t>(row)];
    EXPECT_EQ(pairs, source.pairs) << name;
  }
  EXPECT_EQ(file.read<std::int64_t>("easy/fold"), std::vector<std::int64_t>(20, 3));
  EXPECT_FALSE(file.exists("thoughts"));
}

TEST(Pack, ThreadsAndWindowsDoNotChangeAByte) {
  const TempFolder folder;
  const Source source(folder / "a.h5");
  pack_dataset(folder / "a.h5", folder / "1.h5", {}, 1);
  for (const int threads : {2, 3, 8}) {
    pack_dataset(folder / "a.h5", folder / "n.h5", {}, threads);
    EXPECT_EQ(read_file(folder / "n.h5"), read_file(folder / "1.h5")) << threads;
  }
  for (const Index window : {1, 500, 3000}) {  // one sample, some, many
    pack_dataset(folder / "a.h5", folder / "n.h5", {}, 2, nullptr, window);
    EXPECT_EQ(read_file(folder / "n.h5"), read_file(folder / "1.h5")) << window;
  }
  // What is packed already stays as it is.
  pack_dataset(folder / "1.h5", folder / "again.h5", {}, 2);
  EXPECT_EQ(read_file(folder / "again.h5").size(), read_file(folder / "1.h5").size());
}

TEST(Pack, RanksDoNotChangeAByteEither) {
  const TempFolder folder;
  const Source source(folder / "a.h5");
  pack_dataset(folder / "a.h5", folder / "1.h5", {}, 1);
  for (const int ranks : {2, 3}) {
    for (const Index window : {1, 3000, 1 << 30}) {
      test::ThreadRanks(ranks).run([&](ProcessGroup& group) {
        pack_dataset(folder / "a.h5", folder / "n.h5", {}, 1 + group.rank() % 2, nullptr, window,
                     &group);
      });
      EXPECT_EQ(read_file(folder / "n.h5"), read_file(folder / "1.h5")) << ranks << " " << window;
    }
  }
}

TEST(Pack, RefusesOtherDataOfOneRank) {
  const TempFolder folder;
  for (const char* file : {"0.h5", "1.h5"}) {
    std::vector<float> vectors(12, 1);
    if (file[0] == '1') vectors.back() = 2;
    Hdf5Writer writer(folder / file);
    writer.write<float>("vectors", {4, 3}, vectors, {});
    writer.finish();
  }
  test::expect_error(ErrorKind::data, "rank 1 has 4 samples", [&] {
    test::ThreadRanks(2).run([&](ProcessGroup& group) {
      pack_dataset(folder / (std::to_string(group.rank()) + ".h5"), folder / "out.h5", {}, 1,
                   nullptr, 1 << 20, &group);
    });
  });
  EXPECT_FALSE(std::filesystem::exists(folder / "out.h5"));
}

TEST(Pack, TakesVectorsWithoutLabelsAsTheyAre) {
  const TempFolder folder;
  std::vector<float> vectors(600);
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = static_cast<float>(i) / 4;
  {
    Hdf5Writer writer(folder / "a.h5");
    writer.write<float>("vectors", {200, 3}, vectors,
                        {.chunk = {9, 3}, .gzip = 1, .shuffle = true});
    writer.finish();
  }
  pack_dataset(folder / "a.h5", folder / "b.h5", {}, 2);
  EXPECT_EQ(Hdf5File::open(folder / "b.h5").read<float>("vectors"), vectors);
}

// What others wrote becomes a data set of ours.
TEST(Pack, TurnsWhatOthersWroteIntoOurs) {
  const TempFolder folder;
  std::vector<float> images;
  for (Index i = 0; i < 30; ++i) images.insert(images.end(), 64, static_cast<float>(i % 3) / 2);
  {
    Hdf5Writer writer(folder / "keras.h5");
    writer.write<float>("x_train", {30, 8, 8}, images);
    std::vector<double> labels;
    for (Index i = 0; i < 30; ++i) labels.push_back(static_cast<double>(i % 3));
    writer.write<double>("y_train", {30, 1}, labels);
    writer.finish();
  }
  pack_dataset(folder / "keras.h5", folder / "b.h5", {}, 2);
  const Dataset packed = Dataset::open(folder / "b.h5");
  EXPECT_EQ(packed.layout(), "");
  EXPECT_EQ(packed.labels()[9], 0);
  EXPECT_EQ(packed.labels()[10], 1);
  std::vector<std::byte> image(64);
  packed.read(std::vector<Index>{29}, image.data());
  EXPECT_EQ(image[63], std::byte{255});
}

TEST(Pack, StopsWhenAskedAndLeavesNothing) {
  struct Impatient : WorkObserver {
    bool stop_requested() override { return true; }
  };
  const TempFolder folder;
  const Source source(folder / "a.h5");
  Impatient observer;
  EXPECT_TRUE(pack_dataset(folder / "a.h5", folder / "b.h5", {}, 2, &observer).interrupted);
  expect_error(ErrorKind::usage, "a.h5: is read and would be written over",
               [&] { pack_dataset(folder / "a.h5", folder / "a.h5", {}, 2); });
  expect_error(ErrorKind::cannot_create, "b.h5: cannot create",
               [&] { pack_dataset(folder / "a.h5", folder / "none/b.h5", {}, 2); });
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Pack, RefusesPairsOfRowsThatAreNotThere) {
  const TempFolder folder;
  {
    Hdf5Writer writer(folder / "a.h5");
    writer.write<std::uint8_t>("images", {2, 2, 2, 1}, std::vector<std::uint8_t>(8));
    writer.write<std::int64_t>("pairs", {1, 2}, std::vector<std::int64_t>{0, 2});
    writer.finish();
  }
  expect_error(ErrorKind::data, "a.h5: /pairs names row 2; the data set has 2",
               [&] { pack_dataset(folder / "a.h5", folder / "b.h5", {}, 1); });
  EXPECT_EQ(folder.partial_files(), 0);
}

}  // namespace
}  // namespace kindred
