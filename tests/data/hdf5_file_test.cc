#include "kindred/data/hdf5_file.h"

#include <gtest/gtest.h>
#include <hdf5.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;

const std::vector<float> kSix{1, 2, 3, 4, 5, 6};

void write_small(const std::string& path) {
  Hdf5Writer writer(path);
  writer.write<float>("numbers", {3, 2}, kSix);
  writer.group("inner");
  writer.write<std::int64_t>("inner/one", {}, std::vector<std::int64_t>{42});
  writer.write_strings("names", std::vector<std::string>{"a", "", "größer"});
  writer.attribute("/", "title", "a title");
  writer.attribute("numbers", "factor", 2.5);
  writer.attribute("numbers", "count", std::int64_t{-3});
  writer.finish();
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A raw HDF5 file for what the writer does not write.
struct RawFile {
  explicit RawFile(const std::string& path)
      : id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {}
  ~RawFile() { H5Fclose(id); }
  void dataset(const char* name, hid_t type, std::vector<hsize_t> shape, hid_t plan,
               const void* values) const {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t data = H5Dcreate2(id, name, type, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    if (values != nullptr) H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(data);
    H5Sclose(space);
  }
  hid_t id;
};

TEST(Hdf5File, ReadsBackWhatTheWriterWrote) {
  const TempFolder folder;
  write_small(folder / "a.h5");
  EXPECT_EQ(folder.partial_files(), 0);
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_EQ(file.children(), (std::vector<std::string>{"inner", "names", "numbers"}));
  EXPECT_EQ(file.shape("numbers"), (std::vector<Index>{3, 2}));
  EXPECT_EQ(file.kind("numbers"), Hdf5Kind::real);
  EXPECT_EQ(file.kind("inner/one"), Hdf5Kind::integer);
  EXPECT_EQ(file.kind("names"), Hdf5Kind::text);
  EXPECT_EQ(file.read<float>("numbers"), kSix);
  EXPECT_EQ(file.read<std::uint8_t>("numbers"), (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.scalar<double>("inner/one"), 42.0);
  EXPECT_EQ(file.read_strings("names"), (std::vector<std::string>{"a", "", "größer"}));
  EXPECT_EQ(file.attribute_text("", "title"), "a title");
  EXPECT_EQ(file.attribute_numbers("numbers", "factor"), std::vector<double>{2.5});
  EXPECT_EQ(file.attribute_numbers("numbers", "count"), std::vector<double>{-3});
  EXPECT_EQ(file.attributes("numbers"), (std::vector<std::string>{"count", "factor"}));
  EXPECT_TRUE(file.has_attribute("numbers", "count"));
  EXPECT_FALSE(file.has_attribute("numbers", "nothing"));
  EXPECT_TRUE(file.is_group("inner"));
  EXPECT_TRUE(file.is_dataset("/inner//one"));
  EXPECT_FALSE(file.exists("inner/two"));
  EXPECT_FALSE(file.exists("nowhere/two"));
}

TEST(Hdf5File, OpensAGroupOfAFile) {
  const TempFolder folder;
  write_small(folder / "a.h5");
  const Hdf5File group = Hdf5File::open(folder / "a.h5:/inner");
  EXPECT_EQ(group.children(), std::vector<std::string>{"one"});
  EXPECT_EQ(group.scalar<std::int64_t>("one"), 42);
  EXPECT_EQ(group.where("one"), folder / "a.h5" + ": /inner/one");
  expect_error(ErrorKind::data, "a.h5: has no group /missing",
               [&] { Hdf5File::open(folder / "a.h5:/missing"); });
  expect_error(ErrorKind::data, "a.h5: has no group /numbers",
               [&] { Hdf5File::open(folder / "a.h5:/numbers"); });
}

TEST(Hdf5File, ReadsSomeRows) {
  const TempFolder folder;
  write_small(folder / "a.h5");
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  const Hdf5Dataset numbers = file.dataset("numbers");
  std::vector<double> two(4, -1);
  numbers.read_rows(1, 2, two.data());
  EXPECT_EQ(two, (std::vector<double>{3, 4, 5, 6}));
  expect_error(ErrorKind::internal, "rows [2, 4) of 3",
               [&] { numbers.read_rows(2, 2, two.data()); });
}

TEST(Hdf5File, CompressedChunksReadBackAndEqualContentGivesEqualBytes) {
  const TempFolder folder;
  std::vector<std::uint8_t> values(64 * 100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i / 7);
  for (const std::string name : {"a.h5", "b.h5"}) {
    Hdf5Writer writer(folder / name);
    writer.create<std::uint8_t>("x", {64, 100}, {.chunk = {10, 100}, .gzip = 9, .shuffle = true});
    for (Index row = 0; row < 64; row += 16) {
      writer.write_rows<std::uint8_t>(
          "x", row, 16, std::span(values).subspan(static_cast<std::size_t>(row) * 100, 1600));
    }
    writer.finish();
  }
  EXPECT_EQ(bytes_of(folder / "a.h5"), bytes_of(folder / "b.h5"));
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_EQ(file.read<std::uint8_t>("x"), values);
  EXPECT_EQ(file.dataset("x").chunk(), (std::vector<Index>{10, 100}));
  EXPECT_TRUE(file.dataset("x").compressed());
}

TEST(Hdf5File, ReadsTypesOfOthers) {
  const TempFolder folder;
  {
    const RawFile raw(folder / "a.h5");
    const std::vector<std::int8_t> truth{0, 1, 1};
    const hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);  // as h5py writes bool
    std::int8_t value = 0;
    H5Tenum_insert(boolean, "FALSE", &value);
    value = 1;
    H5Tenum_insert(boolean, "TRUE", &value);
    raw.dataset("bool", boolean, {3}, H5P_DEFAULT, truth.data());
    H5Tclose(boolean);
    const std::vector<std::int16_t> big{0x0100, 0x0200};  // 1 and 2, big-endian on this machine
    raw.dataset("big", H5T_STD_I16BE, {2}, H5P_DEFAULT, big.data());
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    H5Tset_cset(text, H5T_CSET_UTF8);
    const std::vector<const char*> words{"one", "zwölf", ""};
    raw.dataset("words", text, {3}, H5P_DEFAULT, words.data());
    H5Tclose(text);
    const hid_t padded = H5Tcopy(H5T_C_S1);
    H5Tset_size(padded, 4);
    H5Tset_strpad(padded, H5T_STR_SPACEPAD);
    raw.dataset("padded", padded, {2}, H5P_DEFAULT, "ab  abcd");
    H5Tclose(padded);
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  EXPECT_EQ(file.read<std::uint8_t>("bool"), (std::vector<std::uint8_t>{0, 1, 1}));
  EXPECT_EQ(file.read<std::int64_t>("big"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(file.read_strings("words"), (std::vector<std::string>{"one", "zwölf", ""}));
  EXPECT_EQ(file.read_strings("padded"), (std::vector<std::string>{"ab", "abcd"}));
}

TEST(Hdf5File, MissingFileIsNoInput) {
  const TempFolder folder;
  expect_error(ErrorKind::no_input, "none.h5: cannot open: No such file",
               [&] { Hdf5File::open(folder / "none.h5"); });
  expect_error(ErrorKind::no_input, "is not a regular file",
               [&] { Hdf5File::open(folder.path().string()); });
}

TEST(Hdf5File, OtherFilesAndTruncatedFilesAreBadData) {
  const TempFolder folder;
  std::ofstream(folder / "text.h5") << "not what the name says";
  expect_error(ErrorKind::data, "text.h5: is not an HDF5 file (22 bytes)",
               [&] { Hdf5File::open(folder / "text.h5"); });
  write_small(folder / "a.h5");
  std::filesystem::resize_file(folder / "a.h5", std::filesystem::file_size(folder / "a.h5") - 1);
  expect_error(ErrorKind::data, "truncated, damaged or still being written (truncated file: eof = ",
               [&] { Hdf5File::open(folder / "a.h5"); });
}

TEST(Hdf5File, MissingAndMistypedNamesAreSaid) {
  const TempFolder folder;
  write_small(folder / "a.h5");
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  expect_error(ErrorKind::data, "a.h5: /nothing: is missing", [&] { file.read<float>("nothing"); });
  expect_error(ErrorKind::data, "a.h5: /inner: is not a data set",
               [&] { file.read<float>("inner"); });
  expect_error(ErrorKind::data, "a.h5: /names: does not hold numbers",
               [&] { file.read<float>("names"); });
  expect_error(ErrorKind::data, "a.h5: /numbers: does not hold text",
               [&] { file.read_strings("numbers"); });
  expect_error(ErrorKind::data, "/numbers: holds 6 values; one is expected",
               [&] { file.scalar<float>("numbers"); });
  expect_error(ErrorKind::data, "attribute 'nothing' is missing",
               [&] { file.attribute_numbers("numbers", "nothing"); });
}

TEST(Hdf5File, RefusesLinksToOtherFiles) {
  const TempFolder folder;
  write_small(folder / "other.h5");
  {
    const RawFile raw(folder / "a.h5");
    H5Lcreate_external("other.h5", "/numbers", raw.id, "away", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/away", raw.id, "around", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/gone", raw.id, "dangling", H5P_DEFAULT, H5P_DEFAULT);
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  expect_error(ErrorKind::data, "a.h5: /away: is a link to another file",
               [&] { file.read<float>("away"); });
  expect_error(ErrorKind::data, "a.h5: /around: is missing", [&] { file.read<float>("around"); });
  EXPECT_FALSE(file.exists("dangling"));
}

TEST(Hdf5File, RefusesExternalStorageAndVirtualDatasets) {
  const TempFolder folder;
  {
    const RawFile raw(folder / "a.h5");
    const hid_t external = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(external, "/etc/passwd", 0, 100);
    raw.dataset("outside", H5T_NATIVE_UINT8, {100}, external, nullptr);
    H5Pclose(external);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t size = 4;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    H5Pset_virtual(plan, space, "other.h5", "numbers", space);
    raw.dataset("virtual", H5T_NATIVE_FLOAT, {4}, plan, nullptr);
    H5Sclose(space);
    H5Pclose(plan);
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  expect_error(ErrorKind::data, "/outside: keeps its values in another file",
               [&] { file.read<std::uint8_t>("outside"); });
  expect_error(ErrorKind::data, "/virtual: is a virtual data set",
               [&] { file.read<float>("virtual"); });
}

TEST(Hdf5File, RefusesFiltersItDoesNotTrustAndReferences) {
  const TempFolder folder;
  {
    const RawFile raw(folder / "a.h5");
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 100;
    H5Pset_chunk(plan, 1, &chunk);
    H5Pset_scaleoffset(plan, H5Z_SO_INT, 0);
    const std::vector<std::int32_t> values(100, 7);
    raw.dataset("packed", H5T_NATIVE_INT32, {100}, plan, values.data());
    H5Pclose(plan);
    raw.dataset("reference", H5T_STD_REF_OBJ, {2}, H5P_DEFAULT, nullptr);
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  expect_error(ErrorKind::data, "repack it with `h5repack -f GZIP=1 IN OUT`",
               [&] { file.read<std::int64_t>("packed"); });
  expect_error(ErrorKind::data, "/reference: does not hold numbers",
               [&] { file.read<std::int64_t>("reference"); });
}

TEST(Hdf5File, RefusesShapesTheFileCannotHold) {
  const TempFolder folder;
  {
    const RawFile raw(folder / "a.h5");
    raw.dataset("never_written", H5T_NATIVE_FLOAT, {1 << 20, 64}, H5P_DEFAULT, nullptr);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    const std::vector<hsize_t> chunk{16, 16, 16};
    H5Pset_chunk(plan, 3, chunk.data());
    H5Pset_deflate(plan, 1);
    raw.dataset("bomb", H5T_NATIVE_DOUBLE, {1ULL << 40, 1ULL << 40, 16}, plan, nullptr);
    const std::vector<hsize_t> huge{1 << 10, 1 << 10, 1 << 8};
    H5Pset_chunk(plan, 3, huge.data());
    raw.dataset("big_chunk", H5T_NATIVE_DOUBLE, {1 << 10, 1 << 10, 1 << 8}, plan, nullptr);
    H5Pclose(plan);
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  expect_error(ErrorKind::data,
               "/never_written: claims [1048576, 64] elements (268435456 bytes), but the file "
               "stores only 0 bytes",
               [&] { file.read<float>("never_written"); });
  expect_error(ErrorKind::data, "/bomb: claims [1099511627776, 1099511627776, 16] elements, more",
               [&] { file.read<float>("bomb"); });
  expect_error(ErrorKind::data, "/big_chunk: has chunks of", [&] { file.shape("big_chunk"); });
}

TEST(Hdf5File, RefusesWhatUnpacksToHundredsOfTimesTheFile) {
  const TempFolder folder;
  {
    Hdf5Writer writer(folder / "a.h5");
    constexpr Index kRow = 1 << 20;
    writer.create<std::uint8_t>("zeros", {300, kRow}, {.chunk = {1, kRow}, .gzip = 9});
    const std::vector<std::uint8_t> zeros(kRow * 10);
    for (Index row = 0; row < 300; row += 10) {
      writer.write_packed("zeros", row, zeros, 9, Workers(1));
    }
    writer.finish();
  }
  const Hdf5File file = Hdf5File::open(folder / "a.h5");
  expect_error(ErrorKind::data,
               "/zeros: unpacks to [300, 1048576] elements (314572800 bytes), over 256 times what",
               [&] { file.dataset("zeros"); });
}

TEST(Hdf5File, ListsAGroupThatHoldsItself) {
  const TempFolder folder;
  {
    const RawFile raw(folder / "a.h5");
    for (const char* name : {"a", "b", "c"}) {
      H5Lcreate_hard(raw.id, "/", raw.id, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Lcreate_external("other.h5", "/numbers", raw.id, "out", H5P_DEFAULT, H5P_DEFAULT);
    const float value = 1;
    raw.dataset("x", H5T_NATIVE_FLOAT, {1}, H5P_DEFAULT, &value);
  }
  const std::vector<std::string> found = Hdf5File::open(folder / "a.h5").datasets();
  EXPECT_EQ(std::count(found.begin(), found.end(), "x"), 1);
  EXPECT_EQ(std::count(found.begin(), found.end(), "c/a/x"), 1);
  EXPECT_EQ(std::count(found.begin(), found.end(), "out"), 1);
  EXPECT_LT(found.size(), 10000U);
}

// The children that read are not left behind, and a file may be gone from while another is read.
TEST(Hdf5File, DataSetsOutliveTheirFileObject) {
  const TempFolder folder;
  write_small(folder / "a.h5");
  const Hdf5Dataset numbers = Hdf5File::open(folder / "a.h5").dataset("numbers");
  const Hdf5File other = Hdf5File::open(folder / "a.h5");
  std::vector<double> row(2);
  numbers.read_rows(1, 1, row.data());
  EXPECT_EQ(row, (std::vector<double>{3, 4}));
  EXPECT_TRUE(other.exists("numbers"));
}

TEST(Hdf5Writer, LeavesNothingBehindUnlessFinished) {
  const TempFolder folder;
  std::ofstream(folder / "a.h5") << "older";
  {
    Hdf5Writer writer(folder / "a.h5");
    writer.write<float>("numbers", {3, 2}, kSix);
  }
  EXPECT_EQ(folder.partial_files(), 0);
  EXPECT_EQ(bytes_of(folder / "a.h5"), "older");
}

TEST(Hdf5Writer, SaysWhereItCannotCreate) {
  const TempFolder folder;
  expect_error(ErrorKind::cannot_create, "missing/a.h5: cannot create: its folder",
               [&] { Hdf5Writer(folder / "missing/a.h5"); });
}

}  // namespace
}  // namespace kindred
