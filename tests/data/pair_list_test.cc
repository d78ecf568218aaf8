#include "kindred/data/pair_list.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "kindred/data/hdf5_file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using Rows = std::vector<Index>;
using Marks = std::vector<std::uint8_t>;
using Folds = std::vector<std::int64_t>;

EmbeddingFile people() {
  EmbeddingFile file;
  file.embeddings = Matrix(5, 2);
  file.labels = {0, 0, 1, 1, 2};
  file.paths = {"lfw/Ann_Lee/Ann_Lee_0001.jpg", "lfw/Ann_Lee/Ann_Lee_0002.jpg",
                "lfw/Bo_Ek/Bo_Ek_0001.jpg", "lfw/Bo_Ek/Bo_Ek_0012.jpg", "lfw/Cy/Cy_0001.jpg"};
  return file;
}

class PairListTest : public testing::Test {
 protected:
  PairList read(const std::string& text, const EmbeddingFile& file = people()) const {
    std::ofstream(folder_ / "pairs") << text;
    return read_pair_list(folder_ / "pairs", file);
  }
  void refuse(const std::string& text, const std::string& part,
              const EmbeddingFile& file = people()) const {
    expect_error(ErrorKind::data, part, [&] { read(text, file); });
  }
  TempFolder folder_;
};

TEST_F(PairListTest, ReadsTheListsOfLfw) {
  const PairList folds =
      read("2\t1\nAnn_Lee\t1\t2\nAnn_Lee\t1\tBo_Ek\t12\r\nBo_Ek\t1\t12\nCy\t1\tAnn_Lee\t2\n");
  EXPECT_EQ(folds.first, (Rows{0, 0, 2, 4}));
  EXPECT_EQ(folds.second, (Rows{1, 3, 3, 1}));
  EXPECT_EQ(folds.same, (Marks{1, 0, 1, 0}));
  EXPECT_EQ(folds.fold, (Folds{0, 0, 1, 1}));
  const PairList one = read("1\nAnn_Lee\t1\t2\nCy\t1\tAnn_Lee\t2\n");
  EXPECT_EQ(one.same, (Marks{1, 0}));
  EXPECT_TRUE(one.fold.empty());
}

TEST_F(PairListTest, ReadsCsvByPathStemOrRow) {
  const PairList list =
      read("first,second,same,fold\nAnn_Lee_0001, lfw/Bo_Ek/Bo_Ek_0001.jpg ,0,7\n\n3,2,1,8\n");
  EXPECT_EQ(list.first, (Rows{0, 3}));
  EXPECT_EQ(list.second, (Rows{2, 2}));
  EXPECT_EQ(list.same, (Marks{0, 1}));
  EXPECT_EQ(list.fold, (Folds{7, 8}));
  EXPECT_TRUE(read("0,1,1\n0,2,0\n").fold.empty());
}

TEST_F(PairListTest, ReadsHdf5) {
  Hdf5Writer writer(folder_ / "pairs.h5");
  writer.write<std::int64_t>("pairs", {2, 2}, std::vector<std::int64_t>{0, 1, 1, 4});
  writer.group("marked");
  writer.write<std::int64_t>("marked/pairs", {2, 2}, std::vector<std::int64_t>{0, 1, 1, 4});
  writer.write<std::uint8_t>("marked/same", {2}, Marks{0, 1});
  writer.write<std::int64_t>("marked/fold", {2}, Folds{3, 4});
  writer.group("outside");
  writer.write<std::int64_t>("outside/pairs", {1, 2}, std::vector<std::int64_t>{0, 5});
  writer.group("short");
  writer.write<std::int64_t>("short/pairs", {2, 2}, std::vector<std::int64_t>{0, 1, 1, 4});
  writer.write<std::uint8_t>("short/same", {1}, Marks{0});
  writer.group("none");
  writer.finish();
  const std::string path = folder_ / "pairs.h5";
  const PairList by_label = read_pair_list(path, people());
  EXPECT_EQ(by_label.first, (Rows{0, 1}));
  EXPECT_EQ(by_label.second, (Rows{1, 4}));
  EXPECT_EQ(by_label.same, (Marks{1, 0}));
  EXPECT_TRUE(by_label.fold.empty());
  const PairList marked = read_pair_list(path + ":/marked", people());
  EXPECT_EQ(marked.same, (Marks{0, 1}));
  EXPECT_EQ(marked.fold, (Folds{3, 4}));
  const auto refused = [&](const std::string& group, const std::string& part) {
    expect_error(ErrorKind::data, part, [&] { read_pair_list(path + group, people()); });
  };
  refused(":/outside", "names row 5, but there are 5 samples");
  refused(":/short", "has 1 rows but /pairs has 2");
  refused(":/none", "is missing");
  EmbeddingFile unlabelled = people();
  unlabelled.labels.clear();
  expect_error(ErrorKind::data, "nothing says which", [&] { read_pair_list(path, unlabelled); });
}

TEST_F(PairListTest, TellsOfAllMissingImagesAtOnce) {
  refuse("1\nAnn_Lee\t1\t3\nCy\t2\tAnn_Lee\t2\n",
         "2 of the images it names are not among the 5 samples, the first is 'Ann_Lee_0003' "
         "(line 2)");
  EmbeddingFile nameless = people();
  nameless.paths.clear();
  refuse("1\nAnn_Lee\t1\t2\nCy\t1\tAnn_Lee\t2\n", "no /paths", nameless);
}

TEST_F(PairListTest, RefusesImagesThatExistTwice) {
  EmbeddingFile file = people();
  file.paths[4] = "other/Ann_Lee_0001.png";
  refuse("Ann_Lee_0001,Bo_Ek_0001,0\n", "several images 'Ann_Lee_0001'", file);
  // By whole path it is clear which.
  EXPECT_EQ(read("other/Ann_Lee_0001.png,Bo_Ek_0001,0\n", file).first, (Rows{4}));
}

TEST_F(PairListTest, RefusesDamagedLists) {
  refuse("", "no pairs");
  refuse("\n \n", "no pairs");
  refuse("a,b,same\n", "no pairs");
  refuse("2\t1\nAnn_Lee\t1\t2\n", "promises 2 folds of 1 + 1 pairs, but 1 lines follow");
  refuse("9223372036854775807\t9223372036854775807\nAnn_Lee\t1\t2\n", "promises");
  refuse("-1\t-1\nAnn_Lee\t1\t2\n", "promises");
  refuse("1\nAnn_Lee\t1\nCy\t1\tAnn_Lee\t2\n", "line 2: has 2 fields");
  refuse("1\nAnn_Lee\t1\tx\nCy\t1\tAnn_Lee\t2\n", "line 2: 'x' is no image number");
  refuse("0,1,1\n0,1\n", "line 2: has 2 fields");
  refuse("0,1,1\n0,1,1,1\n", "line 2: has 4 fields");
  refuse("0,1,2\n", "'2' is neither 1 (same) nor 0");
  refuse("0,1,1,x\n", "'x' is no fold number");
  refuse("0,5,1\n", "row 5 does not exist");
  refuse("0,-1,1\n", "row -1 does not exist");
  refuse("just some text\nof two lines\n", "line 2: 'lines' is neither 1 (same) nor 0");
  expect_error(ErrorKind::no_input, "missing",
               [&] { read_pair_list(folder_ / "missing", people()); });
}

TEST(DrawPairs, TakesEveryClassAsOftenAsAnyOther) {
  // Two hundred rows of one class, two of another, three single ones; row 0 takes no part.
  std::vector<std::int64_t> labels{9};
  Rows rows;
  for (int i = 0; i < 200; ++i) labels.push_back(9);
  for (const std::int64_t label : {4, 4, 5, 6, 7}) labels.push_back(label);
  for (Index i = 1; i < static_cast<Index>(labels.size()); ++i) rows.push_back(i);
  const PairList list = draw_pairs(labels, rows, 1000, 3);
  ASSERT_EQ(list.same.size(), 2000U);
  EXPECT_TRUE(list.fold.empty());
  std::map<std::int64_t, int> of_class;
  for (std::size_t i = 0; i < list.same.size(); ++i) {
    const auto [a, b] = std::pair{list.first[i], list.second[i]};
    EXPECT_NE(a, b);
    EXPECT_GE(std::min(a, b), 1);
    const std::int64_t label = labels[static_cast<std::size_t>(a)];
    EXPECT_EQ(list.same[i], label == labels[static_cast<std::size_t>(b)] ? 1 : 0);
    EXPECT_EQ(list.same[i], i % 2 == 0 ? 1 : 0);
    if (list.same[i] == 1) ++of_class[label];
  }
  // Half of 1,000 each; a deviation of 16 is one in three.
  EXPECT_NEAR(of_class[9], 500, 80);
  EXPECT_NEAR(of_class[4], 500, 80);
  EXPECT_EQ(draw_pairs(labels, rows, 1000, 3).first, list.first);
  EXPECT_NE(draw_pairs(labels, rows, 1000, 4).first, list.first);
}

TEST(DrawPairs, NeedsPairsOfBothKinds) {
  const std::vector<std::int64_t> labels{1, 1, 2, 3};
  expect_error(ErrorKind::data, "no pairs can be drawn: 3 rows of 3 classes, 0 with two", [&] {
    draw_pairs(labels, Rows{0, 2, 3}, 10, 1);
  });
  expect_error(ErrorKind::data, "2 rows of 1 classes", [&] {
    draw_pairs(labels, Rows{0, 1}, 10, 1);
  });
}

}  // namespace
}  // namespace kindred
