#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"
#include "kindred/data/pair_list.h"
#include "support/temp_folder.h"
#include "support/zip_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using test::write_zip;

using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;
using Bytes = std::vector<std::uint8_t>;

std::string pgm(char value) { return std::string("P5 1 1 255 ") + value; }

void write(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

/// Columns of what an import wrote.
struct Written {
  explicit Written(const std::string& path) : file(Hdf5File::open(path)) {}
  Labels labels() const { return file.read<std::int64_t>("labels"); }
  Bytes images() const { return file.read<std::uint8_t>("images"); }
  Bytes split() const { return file.read<std::uint8_t>("split"); }
  Names paths() const { return file.read_strings("paths"); }
  Hdf5File file;
};

ImportReport import(const Names& sources, const std::string& out, const std::string& format = "") {
  return import_dataset(sources, out, {.format = format});
}

std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int i = 3; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string idx(const std::vector<std::uint32_t>& shape, const std::string& bytes) {
  std::string file = big_endian(0x00000800U + static_cast<std::uint32_t>(shape.size()));
  for (const std::uint32_t extent : shape) file += big_endian(extent);
  return file + bytes;
}

TEST(ImportIdx, PairsImagesWithLabelsAndKnowsTheTestSet) {
  const TempFolder folder;
  write(folder / "m/train-images-idx3-ubyte", idx({3, 1, 2}, "abcdef"));
  write(folder / "m/train-labels-idx1-ubyte", idx({3}, std::string("\x05\x00\x05", 3)));
  test::write_gzip(folder / "m/t10k-images-idx3-ubyte.gz", idx({1, 1, 2}, "gh"));
  write(folder / "m/t10k-labels-idx1-ubyte", idx({1}, "\x02"));
  const ImportReport report = import({folder / "m"}, folder / "out.h5");
  EXPECT_EQ(report.format, "idx");
  EXPECT_EQ(report.classes, 3);
  const Written out(folder / "out.h5");
  EXPECT_EQ(out.labels(), (Labels{0, 2, 5, 5}));  // the numbers of the source
  EXPECT_EQ(out.images(), (Bytes{'c', 'd', 'g', 'h', 'a', 'b', 'e', 'f'}));
  EXPECT_EQ(out.split(), (Bytes{0, 2, 0, 0}));
  EXPECT_EQ(out.paths()[3], "train-images-idx3-ubyte#00000002");
  const ImportReport one =
      import({folder / "m/t10k-images-idx3-ubyte.gz", folder / "m/t10k-labels-idx1-ubyte"},
             folder / "out.h5");
  EXPECT_FALSE(Hdf5File::open(folder / "out.h5").exists("split"));
  ASSERT_EQ(one.notes.size(), 1U);
  EXPECT_EQ(one.of_split[0], 1);
}

TEST(ImportIdx, SaysWhatIsWrong) {
  const TempFolder folder;
  const auto refused = [&](const std::string& images, const std::string& labels,
                           const std::string& why) {
    write(folder / "x-images-idx3-ubyte", images);
    write(folder / "x-labels-idx1-ubyte", labels);
    expect_error(ErrorKind::data, why, [&] {
      import({folder / "x-images-idx3-ubyte", folder / "x-labels-idx1-ubyte"}, folder / "out.h5");
    });
  };
  const std::string labels = idx({2}, "\x01\x01");
  refused(idx({2, 1, 1}, "abc"), labels, "the header says [2, 1, 1] bytes, but 3 follow it");
  refused(idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "abc"), labels, "but 3 follow it");
  refused(idx({3, 1, 1}, "abc"), labels, "has 3 images, but ");
  refused(idx({2}, "ab"), labels, "images [N, height, width] and labels [N] are expected");
  refused("no idx at all", labels, "is no IDX file");
  refused(std::string("\0\0\x0D\x01\0\0\0\x01z", 9), labels, "holds IDX type 13");
  refused("\x1F\x8B this is no gzip", labels, "is no IDX file");
  const std::string packed = folder / "packed";
  test::write_gzip(packed, idx({2, 1, 1}, "ab"));
  std::ifstream file(packed, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  refused(bytes.substr(0, bytes.size() - 9), labels, "gzip is damaged");
  test::write_gzip(packed, std::string(std::size_t{257} << 20, '\0'));
  std::ifstream bomb(packed, std::ios::binary);
  refused({std::istreambuf_iterator<char>(bomb), {}}, labels,
          "gzip unpacks to more than 256 MiB; it is not read");
  expect_error(ErrorKind::data, "its labels are missing; name both files",
               [&] { import({folder / "x-images-idx3-ubyte"}, folder / "out.h5"); });
}

TEST(ImportCifar, RecordsArePlanar) {
  const TempFolder folder;
  const auto record = [](char label, char red, char green, char blue) {
    return std::string(1, label) + std::string(1024, red) + std::string(1024, green) +
           std::string(1024, blue);
  };
  write_zip(folder / "cifar.zip",
            {{"c/data_batch_1.bin", record(1, 'a', 'b', 'c') + record(0, 'd', 'e', 'f')},
             {"c/test_batch.bin", record(1, 'g', 'h', 'i')},
             {"c/batches.meta.txt", "airplane\nautomobile\n\n"},
             {"c/readme.html", "words"}});
  const ImportReport report = import({folder / "cifar.zip"}, folder / "out.h5");
  EXPECT_EQ(report.format, "cifar");
  const Written out(folder / "out.h5");
  EXPECT_EQ(out.labels(), (Labels{0, 1, 1}));
  EXPECT_EQ(out.split(), (Bytes{0, 0, 2}));
  EXPECT_EQ(out.file.read_strings("class_names"), (Names{"airplane", "automobile"}));
  const Bytes images = out.images();
  EXPECT_EQ(Bytes(images.begin(), images.begin() + 4), (Bytes{'d', 'e', 'f', 'd'}));
  write_zip(folder / "cifar.zip",
            {{"c/train.bin", std::string("\x03\x07", 2) + std::string(3072, 'a')}});
  import({folder / "cifar.zip"}, folder / "out.h5");
  EXPECT_EQ(Written(folder / "out.h5").labels(), Labels{7});  // the fine label
  write_zip(folder / "cifar.zip", {{"c/data_batch_1.bin", std::string(3000, 'a')}});
  expect_error(ErrorKind::data, "has 3000 bytes, which are not whole records of 3073",
               [&] { import({folder / "cifar.zip"}, folder / "out.h5"); });
  write_zip(folder / "cifar.zip", {{"c/data_batch_1", "pickle"}});
  expect_error(ErrorKind::data, "is of CIFAR's Python version (pickle), which is not read",
               [&] { import({folder / "cifar.zip"}, folder / "out.h5"); });
}

std::string npy(const std::string& type, const std::string& shape, const std::string& bytes,
                bool columns_first = false) {
  std::string header = "{'descr': '" + type +
                       "', 'fortran_order': " + (columns_first ? "True" : "False") +
                       ", 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header +
         bytes;
}

TEST(ImportNpy, ReadsArraysOfImagesAndLabels) {
  const TempFolder folder;
  const std::string labels = npy("|u1", "(2,)", std::string("\x04\x01", 2));
  const auto images_of = [&](const std::string& array) {
    write(folder / "x.npy", array);
    write(folder / "y.npy", labels);
    import({folder / "x.npy", folder / "y.npy"}, folder / "out.h5");
    const Written out(folder / "out.h5");
    EXPECT_EQ(out.labels(), (Labels{1, 4}));
    return out.images();
  };
  EXPECT_EQ(images_of(npy("|u1", "(2, 1, 2)", "abcd")), (Bytes{'c', 'd', 'a', 'b'}));
  EXPECT_EQ(images_of(npy("|u1", "(2, 1, 2)", "abcd", true)), (Bytes{'b', 'd', 'a', 'c'}));
  // [N, C, H, W]: red, green and blue of two pixels one after the other.
  EXPECT_EQ(images_of(npy("|u1", "(2, 3, 1, 2)", "abcdefghijkl")),
            (Bytes{'g', 'i', 'k', 'h', 'j', 'l', 'a', 'c', 'e', 'b', 'd', 'f'}));
  EXPECT_EQ(images_of(npy("|u1", "(2, 4)", "abcdefgh")).size(), 8U);  // squares of 2 x 2
  EXPECT_EQ(images_of(npy("<i2", "(2, 1, 1)", std::string("\x07\0\xFF\0", 4))), (Bytes{255, 7}));
  // 0.5 and 1.0 as 32-bit floats
  EXPECT_EQ(images_of(npy("<f4", "(2, 1, 1)", std::string("\0\0\0\x3F\0\0\x80\x3F", 8))),
            (Bytes{255, 128}));
  expect_error(ErrorKind::data, "holds values from 0 to 256; bytes, whole numbers",
               [&] { images_of(npy("<i2", "(2, 1, 1)", std::string("\x07\0\0\x01", 4))); });
  expect_error(ErrorKind::data, "has shape [2, 5, 1, 1, 1]; images",
               [&] { images_of(npy("|u1", "(2, 5, 1, 1, 1)", "abcdefghij")); });
  expect_error(ErrorKind::data, "has 3 samples, but ",
               [&] { images_of(npy("|u1", "(3, 1, 2)", "abcdef")); });
  write(folder / "x.npy", npy("|u1", "(2, 1, 2)", "abcd"));
  expect_error(ErrorKind::data, "2 images have no labels [N]",
               [&] { import({folder / "x.npy"}, folder / "out.h5"); });
}

TEST(ImportNpy, ReadsWhatKerasSaves) {
  const TempFolder folder;
  write_zip(folder / "mnist.npz",
            {{"x_train.npy", npy("|u1", "(2, 1, 1)", "ab")},
             {"y_train.npy", npy("|u1", "(2,)", std::string("\1\0", 2))},
             {"x_test.npy", npy("|u1", "(1, 1, 1)", "c")},
             {"y_test.npy", npy("<i8", "(1,)", std::string("\1\0\0\0\0\0\0\0", 8))}});
  EXPECT_EQ(import({folder / "mnist.npz"}, folder / "out.h5").format, "npy");
  const Written out(folder / "out.h5");
  EXPECT_EQ(out.labels(), (Labels{0, 1, 1}));
  EXPECT_EQ(out.images(), (Bytes{'b', 'c', 'a'}));
  EXPECT_EQ(out.split(), (Bytes{0, 2, 0}));
}

TEST(ImportMarket, LabelsArePersonsAndGroupsCameras) {
  const TempFolder folder;
  write_zip(folder / "market.zip", {{"M/bounding_box_train/0002_c1s1_000451_03.jpg", pgm('a')},
                                    {"M/bounding_box_test/0000_c4s1_000001_01.jpg", pgm('b')},
                                    {"M/bounding_box_test/-1_c1s1_000401_03.jpg", pgm('c')},
                                    {"M/query/0007_c3s2_000001_00.jpg", pgm('d')},
                                    {"M/gt_bbox/0007_c3s2_000001_00.jpg", pgm('e')},
                                    {"M/bounding_box_test/Thumbs.db", "x"}});
  const ImportReport report = import({folder / "market.zip"}, folder / "out.h5");
  EXPECT_EQ(report.format, "market1501");
  EXPECT_EQ(report.skipped.size(), 3U);
  const Written out(folder / "out.h5");
  EXPECT_EQ(out.labels(), (Labels{2, 7, 8}));
  EXPECT_EQ(out.file.read<std::int64_t>("groups"), (Labels{1, 3, 4}));
  EXPECT_EQ(out.split(), (Bytes{0, 2, 2}));
  EXPECT_EQ(out.paths()[1], "query/0007_c3s2_000001_00.jpg");
}

// Two distractors were one class, and each a query that the other answered.
TEST(ImportMarket, DistractorsAreClassesOfTheirOwn) {
  const TempFolder folder;
  write_zip(folder / "market.zip", {{"M/bounding_box_test/0000_c4s1_000002_01.jpg", pgm('b')},
                                    {"M/bounding_box_test/0007_c1s1_000401_03.jpg", pgm('c')},
                                    {"M/bounding_box_test/0000_c1s1_000001_01.jpg", pgm('a')},
                                    {"M/query/0007_c3s2_000001_00.jpg", pgm('d')}});
  const ImportReport report = import({folder / "market.zip"}, folder / "out.h5");
  const Written out(folder / "out.h5");
  EXPECT_EQ(out.labels(), (Labels{7, 7, 8, 9}));
  EXPECT_EQ(out.images(), (Bytes{'c', 'd', 'a', 'b'}));
  const std::string wanted = "2 distractors (person 0) are classes of their own, 8 to 9";
  EXPECT_TRUE(std::ranges::any_of(
      report.notes, [&](const std::string& note) { return note.find(wanted) != note.npos; }));
}

TEST(ImportList, FindsImagesOnDiskOrInTheSources) {
  const TempFolder folder;
  write(folder / "set/list.csv",
        "path,label,split\npictures/1.pgm,cat,train\n\"a, b.pgm\",dog,test\n");
  write(folder / "set/pictures/1.pgm", pgm('a'));
  write(folder / "set/a, b.pgm", pgm('b'));
  EXPECT_EQ(import({folder / "set/list.csv"}, folder / "out.h5").format, "csv");
  const Written named(folder / "out.h5");
  EXPECT_EQ(named.file.read_strings("class_names"), (Names{"cat", "dog"}));
  EXPECT_EQ(named.split(), (Bytes{0, 2}));
  write_zip(folder / "in.zip", {{"x/1.pgm", pgm('c')}, {"x/2.pgm", pgm('d')}});
  write(folder / "list.tsv", "x/2.pgm\t40\nx/1.pgm\t3\n");
  import({folder / "list.tsv", folder / "in.zip"}, folder / "out.h5");
  const Written numbered(folder / "out.h5");
  EXPECT_EQ(numbered.labels(), (Labels{3, 40}));
  EXPECT_EQ(numbered.images(), (Bytes{'c', 'd'}));
  const auto refused = [&](const std::string& list, const std::string& why) {
    write(folder / "list.tsv", list);
    expect_error(ErrorKind::data, why, [&] {
      import({folder / "list.tsv", folder / "in.zip"}, folder / "out.h5");
    });
  };
  refused("x/1.pgm\n", "line 1: has 1 field(s); a path and a label are expected, as PATH,LABEL");
  refused("x/1.pgm\t1\nx/3.pgm\t1\n",
          "1 of the 2 images it names are in none of the sources, the first is 'x/3.pgm' (line 2)");
  refused("x/1.pgm\t1\tlater\n", "column 2, column 3 could all be the labels");
  refused("x/1.pgm\t1\nx/1.pgm\t2\n", "x/1.pgm comes twice");
  refused("path\tlabel\n", "names no images");
}

/// Anna has three pictures, Bo and Cy one each.
class ImportLfw : public testing::Test {
 protected:
  ImportLfw() {
    write_zip(folder_ / "lfw.zip", {{"Anna_Lee/Anna_Lee_0001.jpg", pgm('a')},
                                    {"Anna_Lee/Anna_Lee_0002.jpg", pgm('b')},
                                    {"Anna_Lee/Anna_Lee_0003.jpg", pgm('c')},
                                    {"Bo/Bo_0001.jpg", pgm('d')},
                                    {"Cy/Cy_0001.jpg", pgm('e')}});
    write(folder_ / "peopleDevTrain.txt", "2\nAnna_Lee\t3\nBo\t1\n");
    write(folder_ / "peopleDevTest.txt", "1\nCy\t1\n");
    write(folder_ / "people.txt", "2\n1\nAnna_Lee\t3\n2\nBo\t1\nCy\t1\n");
    write(folder_ / "pairs.txt",
          "2\t1\nAnna_Lee\t1\t3\nBo\t1\tCy\t1\nAnna_Lee\t2\t3\nCy\t1\tAnna_Lee\t1\n");
    write(folder_ / "pairsDevTest.txt", "1\nAnna_Lee\t1\t2\nBo\t1\tCy\t1\n");
  }
  Names sources(const Names& lists) const {
    Names all{folder_ / "lfw.zip"};
    for (const std::string& list : lists) all.push_back(folder_ / list);
    return all;
  }
  TempFolder folder_;
};

TEST_F(ImportLfw, KeepsListsAsSplitsAndPairs) {
  const std::string out = folder_ / "out.h5";
  const ImportReport report = import(sources({"peopleDevTrain.txt", "peopleDevTest.txt",
                                              "people.txt", "pairsDevTest.txt", "pairs.txt"}),
                                     out);
  EXPECT_EQ(report.format, "lfw");
  EXPECT_EQ(report.pairs, 6);
  const Written written(out);
  EXPECT_EQ(written.file.read_strings("class_names"), (Names{"Anna_Lee", "Bo", "Cy"}));
  EXPECT_EQ(written.split(), (Bytes{0, 0, 0, 0, 2}));
  EXPECT_EQ(written.file.read<std::int64_t>("people_fold"), (Labels{0, 0, 0, 1, 1}));
  // pairs.txt is the set's own list, the others are kept in groups.
  EXPECT_EQ(written.file.read<std::int64_t>("pairs"), (Labels{0, 2, 3, 4, 1, 2, 4, 0}));
  EXPECT_EQ(written.file.read<std::uint8_t>("same"), (Bytes{1, 0, 1, 0}));
  EXPECT_EQ(written.file.read<std::int64_t>("fold"), (Labels{0, 0, 1, 1}));
  EXPECT_EQ(written.file.read<std::int64_t>("pairsDevTest/pairs"), (Labels{0, 1, 3, 4}));
  EXPECT_FALSE(written.file.exists("pairsDevTest/fold"));
}

TEST_F(ImportLfw, PairsAreFoundByPathAmongSomeOfTheSamples) {
  const std::string out = folder_ / "out.h5";
  import(sources({"pairsDevTest.txt", "pairs.txt"}), out);
  EmbeddingFile some;
  some.paths = {"Cy/Cy_0001.jpg", "Bo/Bo_0001.jpg", "Anna_Lee/Anna_Lee_0002.jpg",
                "Anna_Lee/Anna_Lee_0001.jpg"};
  some.embeddings = Matrix(4, 2);
  const PairList list = read_pair_list(out + ":/pairsDevTest", some);
  EXPECT_EQ(list.first, (std::vector<Index>{3, 1}));
  EXPECT_EQ(list.second, (std::vector<Index>{2, 0}));
  expect_error(ErrorKind::data, "of the images it names are not among the 4 samples",
               [&] { read_pair_list(out, some); });
}

TEST_F(ImportLfw, SaysWhatIsWrongInTheLists) {
  const auto refused = [&](const std::string& name, const std::string& text,
                           const std::string& why) {
    write(folder_ / name, text);
    expect_error(ErrorKind::data, why, [&] { import(sources({name}), folder_ / "out.h5"); });
  };
  refused("pairs.txt", "1\nAnna_Lee\t1\t9\nBo\t1\tCy\t1\n",
          "1 of the images it names are not among the 5 samples, the first is 'Anna_Lee_0009'");
  refused("peopleDevTrain.txt", "3\nAnna_Lee\t3\nBo\t1\n", "the list ends 1 people too early");
  refused("peopleDevTrain.txt", "1\nAnna_Lee\t3\nBo\t1\n", "line 3: NAME COUNT is expected");
  refused("list.txt", "1\nAnna_Lee\t3\n", "must have train or test in it");
  refused("people.txt", "2\n1\nAnna_Lee\t3\nBo\t1\n", "the number of people in a fold");
}

}  // namespace
}  // namespace kindred
