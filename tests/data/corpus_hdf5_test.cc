// HDF5 files as others write them: labels of every kind, classes in groups, pictures as bytes.
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <functional>
#include <set>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"
#include "support/import_corpus.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<std::int64_t>;
using Names = std::vector<std::string>;
using Write = std::function<void(Hdf5Writer&)>;

constexpr std::int64_t kLarge = std::int64_t{1} << 60;

class Hdf5Corpus : public testing::Test {
 protected:
  std::string write(const Write& content) {
    Hdf5Writer writer(folder_ / "a.h5");
    content(writer);
    writer.finish();
    return folder_ / "a.h5";
  }
  /// The same labels as X and y, and as images and labels.
  struct Found {
    Labels labels;
    Names names;
    std::string error;
    bool operator==(const Found&) const = default;
  };
  Found read(const Write& labels, const std::string& images, const std::string& name,
             const DatasetNames& names) {
    const std::string path = write([&](Hdf5Writer& w) {
      w.write<std::uint8_t>(images, {2, 2, 2}, Bytes(8, 1));
      labels(w);
    });
    Found found;
    try {
      const Dataset data = Dataset::open(path, 0, names);
      found.labels.assign(data.labels().begin(), data.labels().end());
      found.names = data.class_names();
    } catch (const Error& error) {
      found.error = error.what();
      for (const std::string& part : {"/" + name, ":" + name, " " + name}) {
        for (std::size_t at; (at = found.error.find(part)) != std::string::npos;) {
          found.error.replace(at + 1, part.size() - 1, "*");
        }
      }
    }
    return found;
  }
  template <typename Labelled>
  Found both(Labelled labels, const DatasetNames& names = {}) {
    const Found one = read([&](Hdf5Writer& w) { labels(w, "y"); }, "X", "y", names);
    const Found other =
        read([&](Hdf5Writer& w) { labels(w, "labels"); }, "images", "labels", names);
    EXPECT_EQ(one.labels, other.labels);
    EXPECT_EQ(one.names, other.names);
    EXPECT_EQ(one.error.empty(), other.error.empty()) << one.error << other.error;
    return one;
  }
  template <typename T>
  Found column(const std::vector<T>& values, const DatasetNames& names = {}) {
    return both(
        [&](Hdf5Writer& w, const std::string& name) {
          w.write<T>(name, {static_cast<Index>(values.size())}, values);
        },
        names);
  }
  TempFolder folder_;
};

TEST_F(Hdf5Corpus, DifferentNumbersAreDifferentLabels) {
  EXPECT_EQ(column<std::int64_t>({kLarge + 1, kLarge + 2}).labels,
            (Labels{kLarge + 1, kLarge + 2}));
  EXPECT_EQ(column<std::int64_t>({(1LL << 53) + 1, 1LL << 53}).labels,
            (Labels{(1LL << 53) + 1, 1LL << 53}));
  EXPECT_EQ(column<std::int64_t>({INT64_MAX, INT64_MAX - 1}).labels, (Labels{1, 0}));
  EXPECT_EQ(column<std::uint8_t>({7, 3}).labels, (Labels{7, 3}));
  EXPECT_EQ(column<double>({7, 3}).labels, (Labels{7, 3}));
}

TEST_F(Hdf5Corpus, NumbersBeyondSixtyThreeBitsAreCounted) {
  const std::vector<std::uint64_t> values{(1ULL << 63) + 2, (1ULL << 63) + 1};
  for (const char* const name : {"y", "labels"}) {
    const std::string path = write([&](Hdf5Writer& w) {
      w.write<std::uint8_t>(name[0] == 'y' ? "X" : "images", {2, 2, 2}, Bytes(8, 1));
    });
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hsize_t count = 2;
    const hid_t space = H5Screate_simple(1, &count, nullptr);
    const hid_t data =
        H5Dcreate2(file, name, H5T_STD_U64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(data, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(data);
    H5Sclose(space);
    H5Fclose(file);
    const Dataset dataset = Dataset::open(path);
    EXPECT_EQ(Labels(dataset.labels().begin(), dataset.labels().end()), (Labels{1, 0}));
    EXPECT_EQ(dataset.class_names(), (Names{"9223372036854775809", "9223372036854775810"}));
    ASSERT_EQ(dataset.notes().size(), 1U);
    EXPECT_NE(dataset.notes()[0].find("beyond 2^63"), std::string::npos);
  }
}

TEST_F(Hdf5Corpus, TextsAndOneHotRowsAreClasses) {
  const auto texts = both([](Hdf5Writer& w, const std::string& name) {
    w.write_strings(name, Names{"dog", "cat"});
  });
  EXPECT_EQ(texts.labels, (Labels{1, 0}));
  EXPECT_EQ(texts.names, (Names{"cat", "dog"}));
  const auto one_hot = both([](Hdf5Writer& w, const std::string& name) {
    w.write<std::uint8_t>(name, {2, 3}, Bytes{0, 0, 1, 1, 0, 0});
  });
  EXPECT_EQ(one_hot.labels, (Labels{2, 0}));
  const auto rows = both([](Hdf5Writer& w, const std::string& name) {
    w.write<float>(name, {2, 2}, std::vector<float>{0, 1, 1, 0});
  });
  EXPECT_EQ(rows.labels, (Labels{1, 0}));
  const auto several = both([](Hdf5Writer& w, const std::string& name) {
    w.write<std::uint8_t>(name, {2, 2}, Bytes{3, 7, 4, 7});
  });
  EXPECT_NE(several.error.find("row 0 is not a single 1 among zeros; say which column"),
            std::string::npos);
}

TEST_F(Hdf5Corpus, FractionsAndNegativeNumbersAreExplained) {
  EXPECT_NE(column<double>({0.5, 1}).error.find("row 0 is 0.5; labels are whole numbers"),
            std::string::npos);
  EXPECT_NE(column<double>({1, std::nan("")}).error.find("row 1 is nan, which is no label"),
            std::string::npos);
  EXPECT_NE(column<double>({0x1p60, 1}).error.find("from 2^53 on"), std::string::npos);
  const Labels negative{-1, 4};
  EXPECT_NE(column(negative).error.find("row 0 is -1; labels count from 0, and 1 of 2"),
            std::string::npos);
  EXPECT_EQ(column(negative, {.negative_labels = "drop"}).labels, (Labels{4}));
  EXPECT_EQ(column(negative, {.negative_labels = "class"}).names, (Names{"-1", "4"}));
  EXPECT_EQ(column(Labels{-1, 1}, {.negative_labels = "class"}).labels, (Labels{0, 1}));
  EXPECT_NE(column(Labels{-1, -1}, {.negative_labels = "drop"}).error.find("none is left"),
            std::string::npos);
}

// What messages advise for labels helps.
TEST_F(Hdf5Corpus, AdviceForLabelsHelps) {
  const std::string path = write([](Hdf5Writer& w) {
    w.write<std::uint8_t>("X", {3, 2, 2}, Bytes(12, 1));
    w.write<double>("y", {3}, std::vector<double>{0.5, 1, 0.5});
  });
  expect_error(ErrorKind::data, "--labels y:0", [&] { Dataset::open(path); });
  const Dataset data = Dataset::open(path, 0, {.labels = "y:0"});
  EXPECT_EQ(data.class_names(), (Names{"0.5", "1"}));
  expect_error(ErrorKind::usage, "drop or class is expected",
               [&] { Dataset::open(path, 0, {.negative_labels = "keep"}); });
}

TEST_F(Hdf5Corpus, EachGroupMayBeAClass) {
  const auto open = [&](const Names& names, const std::vector<Index>& shape = {2, 2, 2, 1}) {
    const std::string path = write([&](Hdf5Writer& w) {
      std::set<std::string> groups;
      for (const std::string& name : names) {
        for (std::size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1)) {
          if (groups.insert(name.substr(0, at)).second) w.group(name.substr(0, at));
        }
        w.write<std::uint8_t>(name, shape, Bytes(8, 1));
      }
    });
    const Dataset data = Dataset::open(path);
    std::string found;
    for (Index i = 0; i < data.size(); i += 2) {
      const auto at = static_cast<std::size_t>(i);
      found += data.class_names()[static_cast<std::size_t>(data.labels()[at])] +
               (data.split().empty() ? "" : std::to_string(data.split()[at])) + " ";
    }
    return found;
  };
  EXPECT_EQ(open({"cat/images", "dog/images", "emu/images"}), "cat dog emu ");
  EXPECT_EQ(open({"bird", "cat", "dog"}), "bird cat dog ");
  EXPECT_EQ(open({"bird", "cat", "dog"}, {2, 2, 2}), "bird cat dog ");
  EXPECT_EQ(open({"cat/data", "dog/data"}, {2, 2, 2}), "cat dog ");
  expect_error(ErrorKind::data, "seems to hold a picture in each data set", [&] {
    open({"cat/1", "cat/2"}, {2, 4, 1});
  });
}

TEST_F(Hdf5Corpus, GroupsWithSplitsKeepThem) {
  const std::string path = write([&](Hdf5Writer& w) {
    for (const char* group : {"train", "train/cat", "train/dog", "test", "test/cat"})
      w.group(group);
    for (const char* name : {"train/cat/x", "train/dog/x", "test/cat/x"}) {
      w.write<std::uint8_t>(name, {1, 2, 2}, Bytes(4, 1));
    }
  });
  const Dataset data = Dataset::open(path);
  EXPECT_EQ(Labels(data.labels().begin(), data.labels().end()), (Labels{0, 1, 0}));
  EXPECT_EQ(Bytes(data.split().begin(), data.split().end()), (Bytes{0, 0, 2}));
  EXPECT_EQ(data.class_names(), (Names{"cat", "dog"}));
}

/// Pictures as files, in rows of bytes of variable length.
void write_pictures(const std::string& path, const Names& pictures, const Labels& labels) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t count = pictures.size();
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t type = H5Tvlen_create(H5T_NATIVE_UINT8);
  std::vector<hvl_t> rows;
  for (const std::string& bytes : pictures) {
    rows.push_back({bytes.size(), const_cast<char*>(bytes.data())});
  }
  const hid_t data = H5Dcreate2(file, "images", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data());
  H5Dclose(data);
  if (!labels.empty()) {
    const hid_t column =
        H5Dcreate2(file, "labels", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(column, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels.data());
    H5Dclose(column);
  }
  H5Tclose(type);
  H5Sclose(space);
  H5Fclose(file);
}

TEST_F(Hdf5Corpus, PicturesInRowsOfBytesAreDecoded) {
  const std::string path = folder_ / "jpegs.h5";
  write_pictures(path, {"P5 1 1 255 a", "P5 1 1 255 b", "P5 1 1 255 c"}, {4, 2, 4});
  // Who opens it is told the way, and the way helps.
  expect_error(ErrorKind::data, "`kindred import " + path + " OUT.h5` decodes them",
               [&] { Dataset::open(path); });
  EXPECT_EQ(import_dataset(Names{path}, folder_ / "out.h5", {}).format, "hdf5");
  EXPECT_EQ(test::samples_of(folder_ / "out.h5"), "a:4:0 b:2:0 c:4:0");
  write_pictures(path, {"P5 1 1 255 a", "no picture"}, {4, 2});
  EXPECT_EQ(import_dataset(Names{path}, folder_ / "out.h5", {}).unreadable.size(), 1U);
  write_pictures(path, {"P5 1 1 255 a"}, {});
  expect_error(ErrorKind::data, "pictures have no labels beside them",
               [&] { import_dataset(Names{path}, folder_ / "out.h5", {}); });
}

TEST_F(Hdf5Corpus, RecordsAreCalledSo) {
  const std::string path = folder_ / "table.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t type = H5Tcreate(H5T_COMPOUND, 16);
  H5Tinsert(type, "x", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(type, "y", 8, H5T_NATIVE_DOUBLE);
  const hsize_t count = 2;
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  H5Dclose(H5Dcreate2(file, "table", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Sclose(space);
  H5Tclose(type);
  H5Fclose(file);
  expect_error(ErrorKind::data,
               "it holds /table records [2]. Columns of records (/table) are not read",
               [&] { Dataset::open(path); });
}

}  // namespace
}  // namespace kindred
