#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::grey_png;
using test::TempFolder;
using test::write_zip;

namespace fs = std::filesystem;
using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;
using Bytes = std::vector<std::uint8_t>;

// 2 x 1 pixels of this value and the next.
std::string pgm(char value) {
  return std::string("P5 2 1 255 ") + value + static_cast<char>(value + 1);
}
std::string ppm(char value) { return std::string("P6 2 1 255 ") + std::string(6, value); }

void write(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ImportReport import(const Names& sources, const std::string& out,
                    const ImportOptions& options = {}) {
  return import_dataset(sources, out, options);
}

TEST(ImportFolder, AnImageIsOfTheClassItLiesIn) {
  const TempFolder folder;
  write(folder / "in/zoo/cats/b.pgm", pgm('b'));
  write(folder / "in/zoo/cats/a.PGM", pgm('a'));
  write(folder / "in/zoo/ants/small/c.pgm", pgm('c'));
  write(folder / "in/zoo/readme.txt", "words");
  write(folder / "in/zoo/.hidden/d.pgm", pgm('d'));
  const ImportReport report = import({folder / "in"}, folder / "out.h5");
  EXPECT_EQ(report.format, "folder");
  EXPECT_EQ(report.samples, 3);
  EXPECT_EQ(report.classes, 2);
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_NE(report.skipped[0].find("zoo/readme.txt: is no image file"), std::string::npos);
  const Hdf5File file = Hdf5File::open(folder / "out.h5");
  EXPECT_EQ(file.read_strings("class_names"), (Names{"ants/small", "cats"}));
  EXPECT_EQ(file.read<std::int64_t>("labels"), (Labels{0, 1, 1}));
  EXPECT_EQ(file.read_strings("paths"),
            (Names{"zoo/ants/small/c.pgm", "zoo/cats/a.PGM", "zoo/cats/b.pgm"}));
  EXPECT_EQ(file.read<std::uint8_t>("images"), (Bytes{'c', 'd', 'a', 'b', 'b', 'c'}));
  EXPECT_EQ(file.shape("images"), (std::vector<Index>{3, 1, 2, 1}));
  EXPECT_FALSE(file.exists("split"));
}

TEST(ImportFolder, FoldersCalledTrainAndTestAreSplits) {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> files{{"set/train/a/1.pgm", pgm('a')},
                                                               {"set/val/a/2.pgm", pgm('b')},
                                                               {"set/test/b/1.pgm", pgm('c')}};
  write_zip(folder / "set.zip", files);
  const ImportReport report = import({folder / "set.zip"}, folder / "out.h5");
  EXPECT_EQ(report.of_split[0], 1);
  const Dataset data = Dataset::open(folder / "out.h5");
  EXPECT_EQ(data.class_names(), (Names{"a", "b"}));
  EXPECT_EQ(Bytes(data.split().begin(), data.split().end()), (Bytes{0, 1, 2}));
  // The same as two sources that are splits themselves.
  write_zip(folder / "train.zip", {{"a/1.pgm", pgm('a')}, {"b/1.pgm", pgm('b')}});
  write_zip(folder / "test.zip", {{"a/1.pgm", pgm('c')}, {"c/1.pgm", pgm('d')}});
  import({folder / "train.zip", folder / "test.zip"}, folder / "out.h5");
  const Dataset two = Dataset::open(folder / "out.h5");
  EXPECT_EQ(two.class_names(), (Names{"a", "b", "c"}));
  EXPECT_EQ(Bytes(two.split().begin(), two.split().end()), (Bytes{2, 0, 0, 2}));
  EXPECT_EQ(two.paths()[0], "test/a/1.pgm");
  // Shares are drawn of what is for training.
  import({folder / "train.zip", folder / "test.zip"}, folder / "out.h5",
         {.split = ImportSplit::by_class, .validation_share = 0.5});
  const Dataset drawn = Dataset::open(folder / "out.h5");
  Bytes split(drawn.split().begin(), drawn.split().end());
  EXPECT_EQ(split[0], 2);
  EXPECT_EQ(split[3], 2);
  EXPECT_EQ(split[1] + split[2], 1);
}

// Twelve classes of differing sizes in an archive whose order is not that of the data set.
Names write_many(const TempFolder& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < 300; ++i) {
    files.push_back({"c" + std::to_string(i * 7 % 12 + 10) + "/" + std::to_string(i + 100) + ".png",
                     grey_png(3, 2, Bytes(6, static_cast<std::uint8_t>(i * 37)))});
  }
  write_zip(folder / "many.zip", files);
  for (const auto& [name, bytes] : files) write(folder / ("many/" + name), bytes);
  return {folder / "many.zip"};
}

TEST(Import, BytesDependNeitherOnThreadsNorOnTheArchivesOrder) {
  const TempFolder folder;
  const Names zip = write_many(folder);
  import(zip, folder / "one.h5", {.threads = 1});
  import(zip, folder / "three.h5", {.threads = 3});
  EXPECT_EQ(bytes_of(folder / "one.h5"), bytes_of(folder / "three.h5"));
  import({folder / "many"}, folder / "two.h5", {.threads = 2});
  const Hdf5File archive = Hdf5File::open(folder / "one.h5");
  const Hdf5File files = Hdf5File::open(folder / "two.h5");
  for (const char* name : {"images", "labels"}) {
    EXPECT_EQ(archive.read<std::int64_t>(name), files.read<std::int64_t>(name));
  }
  EXPECT_EQ(archive.read_strings("paths"), files.read_strings("paths"));
}

TEST(Import, ImagesThatCannotBeReadAreLeftOutAndListed) {
  const TempFolder folder;
  write(folder / "in/a/1.pgm", pgm('a'));
  write(folder / "in/a/2.pgm", "P5 2 1 255 a");
  write(folder / "in/b/1.png", "no image");
  write(folder / "in/b/2.pgm", pgm('b'));
  write(folder / "in/c/1.jpg", "");
  const ImportReport report = import({folder / "in"}, folder / "out.h5");
  EXPECT_EQ(report.samples, 2);
  ASSERT_EQ(report.unreadable.size(), 3U);
  EXPECT_NE(report.unreadable[0].find("in/a/2.pgm: is not a PGM or PPM"), std::string::npos);
  EXPECT_NE(report.unreadable[1].find("in/b/1.png: is no image of a kind"), std::string::npos);
  const Dataset data = Dataset::open(folder / "out.h5");
  EXPECT_EQ(data.class_names(), (Names{"a", "b"}));
  EXPECT_EQ(data.size(), 2);
  EXPECT_EQ(data.paths(), (Names{"a/1.pgm", "b/2.pgm"}));
  expect_error(ErrorKind::data, "in/a/2.pgm: is not a PGM",
               [&] { import({folder / "in"}, folder / "none.h5", {.strict = true}); });
  fs::remove(folder / "in/a/1.pgm");
  fs::remove(folder / "in/b/2.pgm");
  expect_error(ErrorKind::data, "no image could be read; the first: ", [&] {
    import({folder / "in"}, folder / "none.h5");
  });
  EXPECT_FALSE(fs::exists(folder / "none.h5"));
  EXPECT_EQ(folder.partial_files(), 0);
}

TEST(ImportFolder, WhatIsNoFileIsListedNotRead) {
  const TempFolder folder;
  write(folder / "in/a/1.pgm", pgm('a'));
  write(folder / "elsewhere/2.pgm", pgm('b'));
  fs::create_directory_symlink(folder / "elsewhere", folder / "in/b");
  fs::create_symlink(folder / "nowhere", folder / "in/a/2.pgm");
  ASSERT_EQ(::mkfifo((folder / "in/a/3.pgm").c_str(), 0600), 0);
  write(folder / "in/a/4.tif", "II");
  const ImportReport report = import({folder / "in"}, folder / "out.h5");
  EXPECT_EQ(report.samples, 1);
  const std::string in = folder / "in";
  EXPECT_EQ(report.skipped, (Names{in + "/a/4.tif: is of a kind that is not read (TIFF)",
                                   in + "/a/2.pgm: is a link to no file",
                                   in + "/a/3.pgm: is a device, a pipe or a socket",
                                   in + "/b: is a link to a folder, which is not followed"}));
  EXPECT_EQ(report.notes,
            (Names{"images of kinds that are not read: TIFF 1; convert them to PNG or JPEG"}));
  fs::remove_all(folder / "in");
  write(folder / "in/a/4.gif", "GIF89a");
  expect_error(ErrorKind::data, "(CLASS/*.jpg): 1 x GIF (not read: convert to PNG or JPEG)",
               [&] { import({folder / "in"}, folder / "out.h5"); });
}

TEST(Import, SmallClassesAreLeftOutAfterWhatCannotBeRead) {
  const TempFolder folder;
  for (const char* name : {"a/1", "a/2", "b/1", "b/2", "c/1", "d/1", "d/2"}) {
    write(folder / (std::string("in/") + name + ".pgm"), pgm(name[0]));
  }
  write(folder / "in/b/2.pgm", "damaged");
  const ImportReport report = import({folder / "in"}, folder / "out.h5", {.min_samples = 2});
  const Dataset data = Dataset::open(folder / "out.h5");
  EXPECT_EQ(data.class_names(), (Names{"a", "d"}));
  EXPECT_EQ(Labels(data.labels().begin(), data.labels().end()), (Labels{0, 0, 1, 1}));
  ASSERT_EQ(report.notes.size(), 2U);
  EXPECT_EQ(report.notes[0], "1 of 4 classes have fewer than 2 samples and are left out");
  EXPECT_EQ(report.notes[1], "class b is left out: 1 of its samples can be read, fewer than 2");
  const ImportReport some =
      import({folder / "in"}, folder / "out.h5", {.classes = {"[ab]", "none"}, .min_samples = 1});
  EXPECT_EQ(some.classes, 2);
  expect_error(ErrorKind::data, "no sample is left of 7", [&] {
    import({folder / "in"}, folder / "out.h5", {.classes = { "x*" }});
  });
}

TEST(Import, SizesAndColoursAreMadeAlikeOrSaid) {
  const TempFolder folder;
  write(folder / "in/a/1.pgm", "P5 4 2 255 abcdefgh");
  write(folder / "in/a/2.pgm", pgm('a'));
  expect_error(ErrorKind::data, "2.pgm: is 2 x 1 pixels, but ",
               [&] { import({folder / "in"}, folder / "out.h5"); });
  import({folder / "in"}, folder / "out.h5", {.size = { 1, 2 }});
  // (a + b + e + f) / 4 lies between c and d, and is rounded up.
  EXPECT_EQ(Hdf5File::open(folder / "out.h5").read<std::uint8_t>("images"),
            (Bytes{'d', 'f', 'a', 'b'}));
  import({folder / "in"}, folder / "out.h5", {.crop = { 1, 2 }});
  EXPECT_EQ(Hdf5File::open(folder / "out.h5").read<std::uint8_t>("images"),
            (Bytes{'b', 'c', 'a', 'b'}));
  write(folder / "in/a/3.ppm", ppm('x'));
  ImportOptions options{.crop = {1, 2}};
  const ImportReport grey = import({folder / "in"}, folder / "out.h5", options);
  EXPECT_EQ(grey.shape.channels, 1);
  ASSERT_EQ(grey.notes.size(), 1U);
  EXPECT_NE(grey.notes[0].find("1 images were made grey, as the first is"), std::string::npos);
  options.colour = ImportColour::rgb;
  EXPECT_EQ(import({folder / "in"}, folder / "out.h5", options).shape.channels, 3);
  EXPECT_EQ(Hdf5File::open(folder / "out.h5").read<std::uint8_t>("images")[3], 'c');
}

TEST(Import, DuplicatesAreReported) {
  const TempFolder folder;
  write_zip(folder / "in.zip", {{"train/a/1.pgm", pgm('a')},
                                {"train/b/1.pgm", pgm('a')},
                                {"test/a/9.pgm", pgm('a')},
                                {"train/b/2.png", grey_png(2, 1, {'c', 'd'})},
                                {"train/b/3.pgm", pgm('c')}});
  const ImportReport report = import({folder / "in.zip"}, folder / "out.h5");
  EXPECT_EQ(report.duplicates,
            (Names{"train/a/1.pgm is test/a/9.pgm once more, in another split",
                   "train/b/1.pgm is test/a/9.pgm once more, in another class, in another split",
                   "train/b/3.pgm is train/b/2.png once more"}));
  EXPECT_EQ(report.samples, 5);  // none is dropped
}

TEST(Import, SplitsAreDrawnByClassesOrSamples) {
  const TempFolder folder;
  const Names zip = write_many(folder);
  ImportOptions options;
  options.split = ImportSplit::by_class;
  options.test_share = 0.25;
  options.validation_share = 0.5;
  ImportReport report = import(zip, folder / "out.h5", options);
  const auto splits_of_classes = [&] {
    const Dataset data = Dataset::open(folder / "out.h5");
    std::map<std::int64_t, std::map<int, int>> found;
    for (Index i = 0; i < data.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      ++found[data.labels()[at]][data.split()[at]];
    }
    return found;
  };
  std::map<int, int> classes;
  const auto by_class = splits_of_classes();
  for (const auto& [label, splits] : by_class) {
    EXPECT_EQ(splits.size(), 1U);
    ++classes[splits.begin()->first];
  }
  EXPECT_EQ(classes, (std::map<int, int>{{0, 3}, {1, 6}, {2, 3}}));
  options.seed = 2;
  import(zip, folder / "out.h5", options);
  EXPECT_NE(splits_of_classes(), by_class);
  options = {.split = ImportSplit::by_sample, .test_share = 0.2};
  report = import(zip, folder / "out.h5", options);
  EXPECT_EQ(report.of_split[2], 60);  // 5 of each 25
  for (const auto& [label, splits] : splits_of_classes()) EXPECT_EQ(splits.at(2), 5);
  options.test_share = 1;
  expect_error(ErrorKind::usage, "leave something to train on",
               [&] { import(zip, folder / "out.h5", options); });
}

TEST(Import, StopsWhenAskedAndLeavesNothing) {
  class Stop final : public WorkObserver {
   public:
    bool stop_requested() override { return ++asked == 1; }
    int asked = 0;
  };
  const TempFolder folder;
  Stop stop;
  const ImportReport report = import_dataset(write_many(folder), folder / "out.h5", {}, &stop);
  EXPECT_TRUE(report.interrupted);
  EXPECT_FALSE(fs::exists(folder / "out.h5"));
  EXPECT_EQ(folder.partial_files(), 0);
}

TEST(Import, ChunksAndCompressionAreAsAsked) {
  const TempFolder folder;
  const Names zip = write_many(folder);
  import(zip, folder / "out.h5", {.chunk = 7, .gzip = 0});
  const Hdf5File plain = Hdf5File::open(folder / "out.h5");
  EXPECT_EQ(plain.dataset("images").chunk(), (std::vector<Index>{7, 2, 3, 1}));
  EXPECT_FALSE(plain.dataset("images").compressed());
  import(zip, folder / "small.h5", {.chunk = 7, .gzip = 12});
  const Hdf5File small = Hdf5File::open(folder / "small.h5");
  EXPECT_TRUE(small.dataset("images").compressed());
  EXPECT_EQ(small.read<std::uint8_t>("images"), plain.read<std::uint8_t>("images"));
}

TEST(Import, ArchivesThatClimbOutAreRefused) {
  const TempFolder folder;
  for (const char* name : {"../a/1.pgm", "/a/1.pgm", "a/../../1.pgm"}) {
    write_zip(folder / "bad.zip", {{name, pgm('a')}});
    expect_error(ErrorKind::data, "lies outside of the archive; it is not read",
                 [&] { import({folder / "bad.zip"}, folder / "out.h5"); });
  }
  expect_error(ErrorKind::no_input, "nowhere: cannot open",
               [&] { import({folder / "nowhere"}, folder / "out.h5"); });
}

}  // namespace
}  // namespace kindred
