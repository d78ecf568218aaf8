#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;
using Bytes = std::vector<std::uint8_t>;

std::string pgm(char value) { return std::string("P5 1 1 255 ") + value; }

void write(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

ImportReport import(const Names& sources, const std::string& out) {
  return import_dataset(sources, out, {});
}

class ImportCub : public testing::Test {
 protected:
  ImportCub() {
    write(folder_ / "cub/images.txt",
          "1 001.Auk/b.pgm\n2 001.Auk/a.pgm\n3 002.Emu/a.pgm\n4 003.Jay/a.pgm\n5 004.Owl/a.pgm\n");
    write(folder_ / "cub/image_class_labels.txt", "1 1\n2 1\n3 2\n4 3\n5 4\n");
    write(folder_ / "cub/classes.txt", "1 001.Auk\n2 002.Emu\n3 003.Jay\n4 004.Owl\n");
    write(folder_ / "cub/train_test_split.txt", "1 0\n2 1\n3 0\n4 1\n5 1\n");
    for (const char* name : {"001.Auk/a", "001.Auk/b", "002.Emu/a", "004.Owl/a", "009.Elf/a"}) {
      write(folder_ / ("cub/images/" + std::string(name) + ".pgm"), pgm(name[4]));
    }
  }
  TempFolder folder_;
};

TEST_F(ImportCub, TrainsOnTheFirstHalfOfTheClasses) {
  const ImportReport report = import({folder_ / "cub"}, folder_ / "out.h5");
  EXPECT_EQ(report.format, "cub");
  const Hdf5File file = Hdf5File::open(folder_ / "out.h5");
  EXPECT_EQ(file.read<std::int64_t>("labels"), (Labels{0, 0, 1, 3}));
  EXPECT_EQ(file.read<std::uint8_t>("split"), (Bytes{0, 0, 0, 2}));
  EXPECT_EQ(file.read<std::uint8_t>("images"), (Bytes{'A', 'A', 'E', 'O'}));
  EXPECT_EQ(file.read_strings("paths")[0], "001.Auk/a.pgm");
  EXPECT_EQ(file.read_strings("class_names")[3], "004.Owl");
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_EQ(report.notes[0],
            "1 images that images.txt names are not among the sources, as 003.Jay/a.pgm");
  ASSERT_EQ(report.skipped.size(), 1U);
  EXPECT_NE(report.skipped[0].find("009.Elf/a.pgm: is not in images.txt"), std::string::npos);
}

TEST_F(ImportCub, SaysWhatIsWrongInTheLists) {
  const auto refused = [&](const std::string& name, const std::string& text,
                           const std::string& why) {
    const std::string path = folder_ / ("cub/" + name);
    std::ifstream file(path);
    const std::string before{std::istreambuf_iterator<char>(file), {}};
    write(path, text);
    expect_error(ErrorKind::data, why, [&] { import({folder_ / "cub"}, folder_ / "out.h5"); });
    write(path, before);
  };
  refused("images.txt", "1 a b\n", "images.txt: line 1: has 3 fields; IMAGE PATH is expected");
  refused("images.txt", "0 a\n", "'0' is no number from 1 on");
  refused("images.txt", "7 a\n", "line 1: image_class_labels.txt gives it no class");
  refused("images.txt", "1 a\n",
          "none of the images that images.txt names is among the sources, "
          "as a");
  refused("image_class_labels.txt", "1 9999999\n", "claims more than a million classes");
  refused("classes.txt", "2 b\n", "classes are expected in their order, from 1 on");
  std::filesystem::remove(folder_ / "cub/images.txt");
  expect_error(ErrorKind::data, "holds no images.txt and image_class_labels.txt", [&] {
    import_dataset(Names{folder_ / "cub"}, folder_ / "out.h5", {.format = "cub"});
  });
}

TEST(ImportSop, ListsAreTheSplitsAndNumbersTheClasses) {
  const TempFolder folder;
  test::write_zip(folder / "sop.zip",
                  {{"Stanford_Online_Products/Ebay_info.txt", "image_id class_id\n"},
                   {"Stanford_Online_Products/Ebay_train.txt",
                    "image_id class_id super_class_id path\n1 1 2 b/x_1.JPG\n2 1 2 b/x_0.JPG\n"},
                   {"Stanford_Online_Products/Ebay_test.txt",
                    "image_id class_id super_class_id path\n3 11319 1 a/y_0.JPG\n"},
                   {"Stanford_Online_Products/b/x_1.JPG", pgm('a')},
                   {"Stanford_Online_Products/b/x_0.JPG", pgm('b')},
                   {"Stanford_Online_Products/a/y_0.JPG", pgm('c')}});
  const ImportReport report = import({folder / "sop.zip"}, folder / "out.h5");
  EXPECT_EQ(report.format, "sop");
  const Hdf5File file = Hdf5File::open(folder / "out.h5");
  EXPECT_EQ(file.read<std::int64_t>("labels"), (Labels{1, 1, 11319}));
  EXPECT_EQ(file.read<std::uint8_t>("split"), (Bytes{0, 0, 2}));
  EXPECT_EQ(file.read<std::int64_t>("super_class"), (Labels{2, 2, 1}));
  EXPECT_EQ(file.read<std::uint8_t>("images"), (Bytes{'b', 'a', 'c'}));
  test::write_zip(folder / "sop.zip", {{"Ebay_test.txt", "1 1 x a.JPG\n"}});
  expect_error(ErrorKind::data, "Ebay_test.txt: line 1: 'x' is no number from 1 on",
               [&] { import({folder / "sop.zip"}, folder / "out.h5"); });
  test::write_zip(folder / "sop.zip", {{"Ebay_test.txt", "1 1 1 a.JPG\n"}});
  expect_error(ErrorKind::data, "none of the images that Ebay_train.txt or Ebay_test.txt names",
               [&] { import({folder / "sop.zip"}, folder / "out.h5"); });
}

TEST(ImportInShop, QueriesAndGalleryAreTheTest) {
  const TempFolder folder;
  const std::string list = folder / "list_eval_partition.txt";
  const std::string header = "3\nimage_name item_id evaluation_status\n";
  write(list, header +
                  "img/W/id_2/01.pgm   id_2 gallery\nimg/W/id_1/01.pgm id_1 train\n"
                  "img/W/id_2/02.pgm id_2 query\n");
  test::write_zip(folder / "img.zip", {{"img/W/id_2/01.pgm", pgm('a')},
                                       {"img/W/id_1/01.pgm", pgm('b')},
                                       {"img/W/id_2/02.pgm", pgm('c')}});
  const Names sources{list, folder / "img.zip"};
  const ImportReport report = import(sources, folder / "out.h5");
  EXPECT_EQ(report.format, "inshop");
  const Hdf5File file = Hdf5File::open(folder / "out.h5");
  EXPECT_EQ(file.read_strings("class_names"), (Names{"id_1", "id_2"}));
  EXPECT_EQ(file.read<std::uint8_t>("split"), (Bytes{0, 2, 2}));
  EXPECT_EQ(file.read<std::int64_t>("evaluation"), (Labels{0, 2, 1}));
  write(list, header + "img/W/id_2/01.pgm id_2 test\n");
  expect_error(ErrorKind::data, "line 3: 'test' is neither train, query nor gallery",
               [&] { import(sources, folder / "out.h5"); });
  expect_error(ErrorKind::data, "holds no list_eval_partition.txt", [&] {
    import_dataset(Names{folder / "img.zip"}, folder / "out.h5", {.format = "inshop"});
  });
}

}  // namespace
}  // namespace kindred
