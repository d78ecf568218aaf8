// NumPy's files and lists of vectors, as they come: imported, trained on, evaluated.
#include <cmath>

#include "kindred/data/dataset.h"
#include "kindred/data/embedding_source.h"
#include "support/import_corpus.h"
#include "support/npy_file.h"

namespace kindred {
namespace {

using test::expect_error;
using test::expect_imports;
using test::npy;
using test::npy_column;
using test::raw;
using test::TempFolder;
using test::write_text;
using test::write_zip;
using namespace std::string_literals;
using Labels = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

std::string two_images() { return npy("|u1", "(2, 1, 1)", "ab"); }
std::string one_image() { return npy("|u1", "(1, 1, 1)", "c"); }

test::ImportCase labelled(std::string_view what, const std::string& labels,
                          const std::string& expected, Names said = {}) {
  return {what,
          {{"x.npz:X.npy", two_images()}, {"x.npz:y.npy", labels}},
          expected,
          std::move(said),
          {"x.npz"}};
}

TEST(ArrayCorpus, LabelsFollowTheOneRule) {
  expect_imports({
      labelled("bytes", npy_column<std::uint8_t>("|u1", {4, 1}), "a:4:0 b:1:0"),
      labelled("int64 above 2^53",
               npy_column<std::int64_t>("<i8", {(1LL << 60) + 1, (1LL << 60) + 2}),
               "a:1152921504606846977:0 b:1152921504606846978:0"),
      labelled("uint64 above 2^63",
               npy_column<std::uint64_t>("<u8", {(1ULL << 63) + 1, (1ULL << 63) + 2}),
               "a:9223372036854775809:0 b:9223372036854775810:0", {"beyond 2^63"}),
      labelled("the largest int64", npy_column<std::int64_t>("<i8", {INT64_MAX, INT64_MAX - 1}),
               "a:9223372036854775807:0 b:9223372036854775806:0"),
      labelled("big-endian", npy(">i2", "(2,)", "\0\4\0\1"s), "a:4:0 b:1:0"),
      labelled("whole reals", npy_column<double>("<f8", {4, 1}), "a:4:0 b:1:0"),
      labelled("fractions", npy_column<double>("<f8", {0.5, 1}), "!row 0 is 0.5; labels are whole"),
      labelled("not a number", npy_column<double>("<f8", {1, std::nan("")}),
               "!row 1 is nan, which is no label"),
      labelled("reals above 2^53", npy_column<double>("<f8", {0x1p60, 1}),
               "!from 2^53 on reals do not tell whole numbers apart"),
      labelled("bytes as texts", npy("|S3", "(2,)", "dogcat"), "a:dog:0 b:cat:0"),
      labelled("texts", npy("<U2", "(2,)", "x\0\0\0y\0\0\0z\0\0\0\0\0\0\0"s), "a:xy:0 b:z:0"),
      labelled("Python objects", npy("|O", "(2,)", "xx"), "!texts (not Python objects) are read"),
      labelled("one-hot", npy("|u1", "(2, 3)", "\0\0\1\1\0\0"s), "a:2:0 b:0:0", {"one-hot"}),
      labelled("one-hot in float32", npy("<f4", "(2, 2)", raw<float>({0, 1, 1, 0})), "a:1:0 b:0:0"),
      labelled("several columns", npy("|u1", "(2, 2)", "\3\7\4\7"s),
               "!row 0 is not a single 1 among zeros; say which column is the label: --labels y:0"),
      labelled("a column of one", npy("|u1", "(2, 1)", "\3\4"s), "a:3:0 b:4:0"),
      labelled("negative", npy_column<std::int64_t>("<i8", {-1, 4}), "!1 of 2 are negative"),
      labelled("booleans", npy("|b1", "(2,)", "\1\0"s), "a:1:0 b:0:0"),
  });
  test::ImportCase column =
      labelled("a column by name", npy("|u1", "(2, 2)", "\3\7\4\x08"s), "a:7:0 b:8:0");
  column.options.labels = "y:1";
  expect_import(column);
  test::ImportCase negative =
      labelled("dropped", npy_column<std::int64_t>("<i8", {-1, 4}), "b:4:0", {"are left out"});
  negative.options.negative_labels = "drop";
  expect_import(negative);
}

TEST(ArrayCorpus, NamesSayWhatIsWhat) {
  const std::string two = npy("|u1", "(2,)", "\1\2"s);
  const std::string one = npy("|u1", "(1,)", "\3"s);
  expect_imports({
      {"splits",
       {{"x.npz:x_train.npy", two_images()},
        {"x.npz:y_train.npy", two},
        {"x.npz:x_test.npy", one_image()},
        {"x.npz:y_test.npy", one}},
       "a:1:0 b:2:0 c:3:2",
       {"for the test"},
       {"x.npz"}},
      {"splits without anything between",
       {{"x.npz:Xtrain.npy", two_images()},
        {"x.npz:ytrain.npy", two},
        {"x.npz:Xtest.npy", one_image()},
        {"x.npz:ytest.npy", one}},
       "a:1:0 b:2:0 c:3:2",
       {},
       {"x.npz"}},
      {"a name that only contains a split's",
       {{"contest_images.npy", two_images()}, {"contest_labels.npy", two}},
       "a:1:0 b:2:0"},
      {"latest", {{"latest.npy", two_images()}, {"latest_y.npy", two}}, "a:1:0 b:2:0"},
      {"valley", {{"valley_x.npy", two_images()}, {"valley_y.npy", two}}, "a:1:0 b:2:0"},
      {"endings in capitals", {{"X.NPY", two_images()}, {"Y.NPY", two}}, "a:1:0 b:2:0"},
      {"further arrays",
       {{"x.npz:images.npy", two_images()},
        {"x.npz:labels.npy", two},
        {"x.npz:index.npy", npy("|u1", "(2,)", "\0\1"s)},
        {"x.npz:size.npy", npy("|u1", "()", "x")}},
       "a:1:0 b:2:0",
       {"index.npy: is called neither samples nor labels", "is a single value"},
       {"x.npz"}},
      {"names of classes",
       {{"x.npz:x.npy", two_images()},
        {"x.npz:y.npy", npy("|u1", "(2,)", "\1\0"s)},
        {"x.npz:class_names.npy", npy("|S3", "(2,)", "dogcat")}},
       "a:cat:0 b:dog:0",
       {},
       {"x.npz"}},
      {"no labels", {{"x.npz:x.npy", two_images()}}, "!2 images have no labels [N]", {}, {"x.npz"}},
      {"labels too few",
       {{"x.npz:x.npy", two_images()}, {"x.npz:y.npy", one}},
       "!has 2 samples, but",
       {},
       {"x.npz"}},
      {"labels of one split alone",
       {{"x.npz:x_train.npy", two_images()},
        {"x.npz:y_train.npy", two},
        {"x.npz:x_test.npy", one_image()}},
       "!only some splits have labels",
       {},
       {"x.npz"}},
  });
}

struct Vectors {
  std::vector<float> values;
  Labels labels;
  Names names;
};

Vectors opened(const std::string& path, const DatasetNames& names = {}) {
  const Dataset data = Dataset::open(path, 0, names);
  EXPECT_EQ(data.element(), Element::f32);
  std::vector<float> values(static_cast<std::size_t>(data.size() * data.shape().size()));
  data.read(data.samples_of(Split::all), reinterpret_cast<std::byte*>(values.data()));
  return {values, {data.labels().begin(), data.labels().end()}, data.class_names()};
}

TEST(ArrayCorpus, VectorsAreImportedTrainedOnAndEvaluated) {
  const TempFolder folder;
  const std::string x = npy("<f4", "(2, 3)", raw<float>({1, 2, 3, 4, 5, 6.5F}));
  const std::string y = npy_column<std::int64_t>("<i8", {7, 9});
  write_zip(folder / "v.npz", {{"X.npy", x}, {"y.npy", y}});
  write_text(folder / "v.npy", x);
  write_text(folder / "v.csv", "label,f1,f2,f3\n7,1,2,3\n9,4,5,6.5\n");
  write_text(folder / "v.tsv", "1\t2\t3\tcat\n4\t5\t6.5\tdog\n");
  const std::vector<float> values{1, 2, 3, 4, 5, 6.5F};
  EXPECT_EQ(opened(folder / "v.npz").values, values);
  EXPECT_EQ(opened(folder / "v.npz").labels, (Labels{7, 9}));
  EXPECT_EQ(opened(folder / "v.npy").values, values);
  EXPECT_EQ(opened(folder / "v.csv").values, values);
  EXPECT_EQ(opened(folder / "v.csv").labels, (Labels{7, 9}));
  EXPECT_EQ(opened(folder / "v.tsv").names, (Names{"cat", "dog"}));
  for (const char* name : {"v.npz", "v.csv", "v.tsv"}) {
    const EmbeddingFile file = read_embeddings({folder / name, {}, {}, {}});
    EXPECT_EQ(file.embeddings.cols(), 3) << name;
    EXPECT_EQ(file.embeddings(1, 2), 6.5F) << name;
    EXPECT_EQ(file.labels.size(), 2U) << name;
  }
  import_dataset(Names{folder / "v.npz"}, folder / "out.h5", {});
  EXPECT_EQ(opened(folder / "out.h5").values, values);
  EXPECT_EQ(opened(folder / "out.h5").labels, (Labels{7, 9}));
}

TEST(ArrayCorpus, ListsOfVectorsAreReadInAnyDialect) {
  const TempFolder folder;
  const auto read = [&](const std::string& text, const std::string& labels = "") {
    write_text(folder / "v.csv", text);
    return read_embeddings({folder / "v.csv", {}, labels, {}});
  };
  const auto refused = [&](const std::string& text, const std::string& why) {
    expect_error(ErrorKind::data, why, [&] { read(text); });
  };
  EXPECT_EQ(read("1,2\n3,4\n").embeddings.cols(), 2);
  EXPECT_TRUE(read("1,2\n3,4\n").labels.empty());
  EXPECT_EQ(read("1;2\n3;4\n").embeddings(1, 1), 4);
  EXPECT_EQ(read("1 2\n3 4\n").embeddings(1, 1), 4);
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a,b\n3,4\n")
                .embeddings.rows(),
            1);
  EXPECT_EQ(read("cat,1,2\ndog,3,4\n").class_names, (Names{"cat", "dog"}));
  EXPECT_EQ(read("path,label,f1\nx/1.jpg,cat,1\nx/2.jpg,dog,2\n").paths[1], "x/2.jpg");
  EXPECT_EQ(read("f1,kind\n1,8\n2,9\n", "kind").labels, (Labels{8, 9}));
  EXPECT_EQ(read("label,f1\n-1,8\n4,9\n").labels, (Labels{-1, 4}));
  refused("1,2\n3\n", "line 2: has 1 fields, most lines have 2");
  refused("a,b,c,label\n1,2,3\n4,5,6\n", "line 1: has 4 fields, most lines have 3");
  refused("label,b\n1,2,3\n4,5,6\n", "line 1: has 2 fields, most lines have 3");
  refused("1,2\n3,x\n", "line 2: 'x' is no number");
  refused("1,nan\n", "v.csv");
  refused("a,b\nc,d\n", "holds no numbers");
  refused("\n", "holds no vectors");
}

TEST(ArrayCorpus, OneRuleHoldsForArraysAndDataSets) {
  const TempFolder folder;
  const auto open = [&](const std::string& labels, const DatasetNames& names = {}) {
    write_zip(folder / "v.npz",
              {{"X.npy", npy("<f4", "(2, 2)", raw<float>({1, 2, 3, 4}))}, {"y.npy", labels}});
    return opened(folder / "v.npz", names);
  };
  EXPECT_EQ(open(npy_column<std::int64_t>("<i8", {(1LL << 60) + 1, (1LL << 60) + 2})).labels,
            (Labels{(1LL << 60) + 1, (1LL << 60) + 2}));
  EXPECT_EQ(open(npy("|u1", "(2, 2)", "\0\1\1\0"s)).labels, (Labels{1, 0}));
  EXPECT_EQ(open(npy("|S3", "(2,)", "dogcat")).names, (Names{"cat", "dog"}));
  const std::string negative = npy_column<std::int64_t>("<i8", {-1, 4});
  expect_error(ErrorKind::data, "row 0 is -1; labels count from 0", [&] { open(negative); });
  EXPECT_EQ(open(negative, {.negative_labels = "drop"}).values, (std::vector<float>{3, 4}));
  EXPECT_EQ(open(negative, {.negative_labels = "class"}).names, (Names{"-1", "4"}));
  expect_error(ErrorKind::data, "row 0 is 0.5; labels are whole numbers", [&] {
    open(npy_column<double>("<f8", {0.5, 1}));
  });
}

}  // namespace
}  // namespace kindred
