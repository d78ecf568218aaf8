// HDF5 files as others write them, read as they are.
#include <gtest/gtest.h>
#include <hdf5.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

Bytes count_up(Index count) {
  Bytes bytes;
  for (Index i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(i));
  return bytes;
}

Bytes bytes_of(const Dataset& data) {
  Bytes bytes(static_cast<std::size_t>(data.size() * data.sample_bytes()));
  data.read(data.samples_of(Split::all), reinterpret_cast<std::byte*>(bytes.data()));
  return bytes;
}

Labels labels_of(const Dataset& data) { return {data.labels().begin(), data.labels().end()}; }
Bytes split_of(const Dataset& data) { return {data.split().begin(), data.split().end()}; }

/// A file of plain arrays.
class Foreign : public testing::Test {
 protected:
  template <typename Write>
  std::string write(Write content, const std::string& name = "a.h5") {
    Hdf5Writer writer(folder_ / name);
    content(writer);
    writer.finish();
    return folder_ / name;
  }
  static void images(Hdf5Writer& writer, const std::string& name, const std::vector<Index>& shape) {
    Index count = 1;
    for (const Index extent : shape) count *= extent;
    writer.write<std::uint8_t>(name, shape, count_up(count));
  }
  template <typename T>
  static void column(Hdf5Writer& writer, const std::string& name, const std::vector<T>& values) {
    writer.write<T>(name, {static_cast<Index>(values.size())}, values);
  }
  TempFolder folder_;
};

TEST_F(Foreign, KerasArraysAreSplits) {
  const std::string path = write([](Hdf5Writer& w) {
    images(w, "x_train", {2, 1, 2});
    images(w, "x_test", {1, 1, 2});
    column<double>(w, "y_train", {3, 1});
    column<double>(w, "y_test", {2});
  });
  const Dataset data = Dataset::open(path);
  EXPECT_EQ(data.size(), 3);
  EXPECT_EQ(data.shape(), (Shape{.channels = 1, .height = 1, .width = 2}));
  EXPECT_EQ(bytes_of(data), (Bytes{0, 1, 2, 3, 0, 1}));
  EXPECT_EQ(labels_of(data), (Labels{3, 1, 2}));
  EXPECT_EQ(split_of(data), (Bytes{0, 0, 2}));
  EXPECT_EQ(data.layout(), "/x_train with /y_train as train; /x_test with /y_test as test");
  const Dataset streamed = Dataset::stream(path);
  EXPECT_FALSE(streamed.in_memory());
  EXPECT_EQ(bytes_of(streamed), bytes_of(data));
}

TEST_F(Foreign, TheCatsHaveNames) {
  const Dataset data = Dataset::open(write([](Hdf5Writer& w) {
    images(w, "train_set_x", {2, 2, 2, 3});
    column<std::int64_t>(w, "train_set_y", {1, 0});
    w.write_strings("list_classes", Names{"non-cat", "cat"});
  }));
  EXPECT_EQ(data.class_names(), (Names{"non-cat", "cat"}));
  EXPECT_EQ(data.shape().channels, 3);
  EXPECT_TRUE(data.split().empty());
}

TEST_F(Foreign, AnnBenchmarksAreVectors) {
  const Dataset data = Dataset::open(write([](Hdf5Writer& w) {
    w.write<float>("train", {2, 2}, std::vector<float>{1, 2, 3, 4.5F});
    w.write<float>("test", {1, 2}, std::vector<float>{5, 6});
    w.write<std::int32_t>("neighbors", {1, 2}, std::vector<std::int32_t>{0, 1});
    w.write<float>("distances", {1, 2}, std::vector<float>{0, 1});
  }));
  EXPECT_EQ(data.element(), Element::f32);
  EXPECT_EQ(data.shape(), (Shape{.channels = 2}));
  EXPECT_EQ(split_of(data), (Bytes{0, 0, 2}));
  EXPECT_FALSE(data.has_labels());
  std::vector<float> read(2);
  data.read(std::vector<Index>{1}, reinterpret_cast<std::byte*>(read.data()));
  EXPECT_EQ(read, (std::vector<float>{3, 4.5F}));
}

TEST_F(Foreign, ChannelsMayComeFirst) {
  const auto with = [&](const std::vector<Index>& shape) {
    return write([&](Hdf5Writer& w) { images(w, "data", shape); });
  };
  const Dataset first = Dataset::open(with({1, 3, 2, 5}));
  EXPECT_EQ(first.shape(), (Shape{.channels = 3, .height = 2, .width = 5}));
  const Bytes pixels = bytes_of(first);
  EXPECT_EQ(Bytes(pixels.begin(), pixels.begin() + 6), (Bytes{0, 10, 20, 1, 11, 21}));
  expect_error(ErrorKind::data, "/data has shape [1, 3, 2, 3]; nothing tells which axis is the",
               [&] {
                 Dataset::open(with({1, 3, 2, 3}));
               });
  const std::string both = folder_ / "a.h5";
  EXPECT_EQ(Dataset::open(both, 1 << 20, {.layout = "nhwc"}).shape().height, 3);
  EXPECT_EQ(Dataset::open(both, 1 << 20, {.layout = "nchw"}).shape().height, 2);
  expect_error(ErrorKind::data, "nothing tells which axis", [&] {
    Dataset::open(with({1, 5, 2, 7}));
  });
  // Rows are vectors, unless a layout says that they are pictures.
  const std::string rows = with({2, 12});
  EXPECT_EQ(Dataset::open(rows).element(), Element::f32);
  const Bytes turned = bytes_of(Dataset::open(rows, 1 << 20, {.layout = "nchw"}));
  EXPECT_EQ(Bytes(turned.begin(), turned.begin() + 4), (Bytes{0, 4, 8, 1}));
}

TEST_F(Foreign, NumbersBecomeBytes) {
  const auto read = [&](const std::vector<double>& values) {
    const auto count = static_cast<Index>(values.size());
    return bytes_of(Dataset::open(write([&](Hdf5Writer& w) {
      w.write<double>("images", {count, 1, 1}, values);
    })));
  };
  EXPECT_EQ(read({0, 7, 255}), (Bytes{0, 7, 255}));    // bytes in another dress
  EXPECT_EQ(read({0, 0.5, 1}), (Bytes{0, 128, 255}));  // shares
  EXPECT_EQ(read({-1, 0, 1}), (Bytes{0, 128, 255}));   // spread
  EXPECT_EQ(read({0, 32768, 65535}), (Bytes{0, 128, 255}));
  expect_error(ErrorKind::data, "/images row 1 holds nan; every value must be finite", [&] {
    read({0, std::nan("")});
  });
}

TEST_F(Foreign, LabelsComeInManyKinds) {
  const auto read = [&](auto write_labels, const DatasetNames& names = {}) {
    const std::string path = write([&](Hdf5Writer& w) {
      images(w, "images", {3, 1, 2, 2});  // not ours: two channels at the end, one first
      write_labels(w);
    });
    return Dataset::open(path, 0, names);
  };
  const Dataset one_hot = read([](Hdf5Writer& w) {
    w.write<float>("labels", {3, 3}, std::vector<float>{0, 0, 1, 1, 0, 0, 0, 1, 0});
  });
  EXPECT_EQ(labels_of(one_hot), (Labels{2, 0, 1}));
  const Dataset texts = read([](Hdf5Writer& w) {
    w.write_strings("labels", Names{"dog", "cat", "dog"});
  });
  EXPECT_EQ(labels_of(texts), (Labels{1, 0, 1}));
  EXPECT_EQ(texts.class_names(), (Names{"cat", "dog"}));
  const Dataset signs = read(
      [](Hdf5Writer& w) {
        column<std::int64_t>(w, "label", {1, -1, 1});
      },
      {.negative_labels = "class"});
  EXPECT_EQ(labels_of(signs), (Labels{1, 0, 1}));
  EXPECT_EQ(signs.class_names(), (Names{"-1", "1"}));
  const Dataset deep = read([](Hdf5Writer& w) {
    w.write<std::uint8_t>("y", {3, 1, 1, 1}, Bytes{5, 6, 5});
  });
  EXPECT_EQ(labels_of(deep), (Labels{5, 6, 5}));
  // As in 3dshapes: six factors a sample.
  const auto factors = [](Hdf5Writer& w) {
    w.write<double>("labels", {3, 2}, std::vector<double>{0.5, 7, 0.1, 8, 0.5, 9});
  };
  expect_error(ErrorKind::data, "say which column is the label: --labels labels:0",
               [&] { read(factors); });
  const Dataset column = Dataset::open(folder_ / "a.h5", 1 << 20, {.labels = "labels:0"});
  EXPECT_EQ(labels_of(column), (Labels{1, 0, 1}));
  EXPECT_EQ(column.class_names(), (Names{"0.1", "0.5"}));
  expect_error(ErrorKind::data, "has 2 columns, counted from 0; column 2 is asked for",
               [&] { Dataset::open(folder_ / "a.h5", 1 << 20, {.labels = "labels:2"}); });
}

TEST_F(Foreign, PcamHasItsLabelsInASecondFile) {
  write([](Hdf5Writer& w) { images(w, "x", {2, 2, 2, 3}); }, "pcam_train_x.h5");
  write(
      [](Hdf5Writer& w) {
        w.write<std::uint8_t>("y", {2, 1, 1, 1}, Bytes{1, 0});
      },
      "pcam_train_y.h5");
  EXPECT_EQ(labels_of(Dataset::open(folder_ / "pcam_train_x.h5")), (Labels{1, 0}));
}

TEST_F(Foreign, CaffeListsItsFiles) {
  for (const char* name : {"one.h5", "two.h5"}) {
    write(
        [&](Hdf5Writer& w) {
          w.write<float>("data", {2, 3, 1, 2},
                         std::vector<float>(12, name[0] == 'o' ? 0.0F : 255.0F));
          w.write<float>("label", {2}, std::vector<float>{0, name[0] == 'o' ? 1.0F : 2.0F});
        },
        name);
  }
  std::ofstream(folder_ / "train.txt") << "one.h5\n\ntwo.h5\n";
  const Dataset data = Dataset::open(folder_ / "train.txt");
  EXPECT_EQ(labels_of(data), (Labels{0, 1, 0, 2}));
  EXPECT_EQ(bytes_of(data)[23], 255);
  write([](Hdf5Writer& w) { images(w, "data", {1, 3, 2, 2}); }, "two.h5");
  expect_error(ErrorKind::data, "train.txt: line 3: samples of",
               [&] { Dataset::open(folder_ / "train.txt"); });
}

TEST_F(Foreign, SaysWhatItHoldsWhereNothingFits) {
  const std::string nothing = write([](Hdf5Writer& w) {
    column<std::int64_t>(w, "labels", {1, 2});
  });
  expect_error(
      ErrorKind::data,
      "a.h5: has no data set of images or vectors; it holds /labels integer [2]. Images are [N, ",
      [&] { Dataset::open(nothing); });
  const std::string two = write([](Hdf5Writer& w) {
    w.group("left");
    w.group("right");
    images(w, "left/images", {2, 2, 2});
    images(w, "right/images", {2, 3, 3});
  });
  expect_error(ErrorKind::data, "/left/images and /right/images may both be the images",
               [&] { Dataset::open(two); });
  EXPECT_EQ(Dataset::open(two, 1 << 20, {.images = "/right/images"}).size(), 2);
  expect_error(ErrorKind::data, "has no data set /middle",
               [&] { Dataset::open(two, 1 << 20, {.images = "middle"}); });
}

// Found by damaged files: a division by the size of a sample.
TEST_F(Foreign, SamplesOfNothingAreRefused) {
  const std::string path = write([](Hdf5Writer& w) {
    w.write<float>("images", {2, 0, 3}, std::vector<float>());
  });
  expect_error(ErrorKind::data, "a.h5: samples of /images are 0 x 3 x 1: they hold nothing",
               [&] { Dataset::open(path); });
}

/// What Hdf5Writer does not write.
class Raw {
 public:
  explicit Raw(const std::string& path)
      : file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~Raw() { H5Fclose(file_); }
  void write(const char* name, hid_t stored, hid_t memory, const std::vector<hsize_t>& shape,
             const void* values, bool matlab = false) const {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t data =
        H5Dcreate2(file_, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(data, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    if (matlab) {
      const hid_t scalar = H5Screate(H5S_SCALAR);
      H5Aclose(H5Acreate2(data, "MATLAB_class", H5T_STD_U8LE, scalar, H5P_DEFAULT, H5P_DEFAULT));
      H5Sclose(scalar);
    }
    H5Dclose(data);
    H5Sclose(space);
  }
  hid_t id() const { return file_; }

 private:
  hid_t file_;
};

TEST_F(Foreign, MatlabTurnsAxesAround) {
  {
    // In MATLAB: X(2 rows, 3 columns, 1 channel, 1 image), filled row by row down the columns.
    const Raw raw(folder_ / "m.mat");
    const Bytes columns{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11};
    raw.write("X", H5T_STD_U8LE, H5T_NATIVE_UINT8, {2, 1, 3, 2}, columns.data(), true);
    const std::vector<double> labels{10, 2};
    raw.write("y", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {1, 2}, labels.data(), true);
  }
  const Dataset data = Dataset::open(folder_ / "m.mat");
  EXPECT_EQ(data.shape(), (Shape{.channels = 1, .height = 2, .width = 3}));
  EXPECT_EQ(bytes_of(data), count_up(12));
  EXPECT_EQ(labels_of(data), (Labels{10, 2}));
}

TEST_F(Foreign, NumbersMayBeBigEndianOrHalf) {
  {
    const Raw raw(folder_ / "a.h5");
    const std::vector<float> shares{0, 0.25F, 1};
    const hid_t half = H5Tcopy(H5T_IEEE_F32LE);  // as h5py stores float16
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    raw.write("images", half, H5T_NATIVE_FLOAT, {3, 1, 1}, shares.data());
    H5Tclose(half);
    const std::vector<std::int32_t> labels{4, 5, 6};
    raw.write("labels", H5T_STD_I16BE, H5T_NATIVE_INT32, {3}, labels.data());
  }
  const Dataset data = Dataset::open(folder_ / "a.h5");
  EXPECT_EQ(bytes_of(data), (Bytes{0, 64, 255}));
  EXPECT_EQ(labels_of(data), (Labels{4, 5, 6}));
}

struct FuelRow {
  char split[6];
  char source[9];
  std::int64_t start;
  std::int64_t stop;
  hobj_ref_t indices;
};

void write_fuel(const std::string& path, const std::vector<FuelRow>& rows) {
  const Raw raw(path);
  raw.write("features", H5T_STD_U8LE, H5T_NATIVE_UINT8, {4, 1, 1, 2}, count_up(8).data());
  raw.write("targets", H5T_STD_U8LE, H5T_NATIVE_UINT8, {4, 1}, count_up(4).data());
  const hid_t table = H5Tcreate(H5T_COMPOUND, sizeof(FuelRow));
  const auto text = [&](const char* name, std::size_t offset, std::size_t size) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tinsert(table, name, offset, type);
    H5Tclose(type);
  };
  text("split", offsetof(FuelRow, split), 6);
  text("source", offsetof(FuelRow, source), 9);
  H5Tinsert(table, "start", offsetof(FuelRow, start), H5T_NATIVE_INT64);
  H5Tinsert(table, "stop", offsetof(FuelRow, stop), H5T_NATIVE_INT64);
  H5Tinsert(table, "indices", offsetof(FuelRow, indices), H5T_STD_REF_OBJ);
  const hsize_t count = rows.size();
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t attribute = H5Acreate2(raw.id(), "split", table, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, table, rows.data());
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(table);
}

TEST_F(Foreign, FuelSaysWhichRowsAreForWhat) {
  const std::string path = folder_ / "fuel.hdf5";
  write_fuel(path, {{"test", "feature", 0, 0, 0},
                    {"train", "features", 1, 4, 0},
                    {"train", "targets", 1, 4, 0},
                    {"test", "features", 0, 1, 0}});
  const Dataset data = Dataset::open(path);
  EXPECT_EQ(bytes_of(data), (Bytes{2, 3, 4, 5, 6, 7, 0, 1}));
  EXPECT_EQ(labels_of(data), (Labels{1, 2, 3, 0}));
  EXPECT_EQ(split_of(data), (Bytes{0, 0, 0, 2}));
  write_fuel(path, {{"train", "features", 1, 5, 0}});
  expect_error(ErrorKind::data,
               "attribute 'split': 'train' is rows 1 to 5 of /features, which has 4",
               [&] { Dataset::open(path); });
}

}  // namespace
}  // namespace kindred
