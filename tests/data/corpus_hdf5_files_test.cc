// HDF5 files packed in other ways, held open by their writers, or no HDF5 at all.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/import.h"
#include "support/import_corpus.h"

namespace kindred {
namespace {

using test::expect_error;
using test::TempFolder;
using Bytes = std::vector<std::uint8_t>;
using Names = std::vector<std::string>;

class Hdf5Files : public testing::Test {
 protected:
  TempFolder folder_;
};

// h5py's compression="lzf": literal runs alone are valid packing, and so is a copy.
TEST_F(Hdf5Files, LzfIsUnpacked) {
  const std::string path = folder_ / "lzf.h5";
  const auto write_packed = [&](const Bytes& packed, unsigned claimed) {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const std::vector<hsize_t> shape{4, 2, 2};
    const hid_t space = H5Screate_simple(3, shape.data(), nullptr);
    const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plan, 3, shape.data());
    const std::vector<unsigned> values{4, 261, claimed};
    H5Pset_filter(plan, 32000, H5Z_FLAG_OPTIONAL, values.size(), values.data());
    const hid_t data =
        H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    const std::vector<hsize_t> first{0, 0, 0};
    H5Dwrite_chunk(data, H5P_DEFAULT, 0, first.data(), packed.size(), packed.data());
    H5Dclose(data);
    H5Pclose(plan);
    H5Sclose(space);
    H5Fclose(file);
  };
  // 5 6 7 8 as they are, then 12 bytes from 4 back: length 12 is 7 + 3 + 2.
  const Bytes packed{3, 5, 6, 7, 8, 7 << 5, 3, 3};
  write_packed(packed, 16);
  const Bytes expected{5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8};
  for (const bool streamed : {false, true}) {
    const Dataset data = streamed ? Dataset::stream(path) : Dataset::open(path);
    Bytes found(16);
    data.read(data.samples_of(Split::all), reinterpret_cast<std::byte*>(found.data()));
    EXPECT_EQ(found, expected);
  }
  // What it claims, and what it unpacks to, must be a chunk.
  write_packed(packed, 12);
  expect_error(ErrorKind::data, "chunks have 16 bytes, but unpack to 12; the file is damaged",
               [&] { Dataset::open(path); });
  for (const Bytes& wrong : {Bytes{3, 5, 6, 7, 8}, Bytes{3, 5, 6}, Bytes{7 << 5, 3, 3},
                             Bytes{3, 5, 6, 7, 8, 7 << 5}, Bytes{3, 5, 6, 7, 8, 7 << 5, 30, 3}}) {
    write_packed(wrong, 16);
    expect_error(ErrorKind::data, "cannot be read", [&] { Dataset::open(path); });
  }
}

TEST_F(Hdf5Files, FiltersOfPluginsAreNamedWithoutACommandThatLosesData) {
  const std::string path = folder_ / "blosc.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const std::vector<hsize_t> shape{4, 2, 2};
  const hid_t space = H5Screate_simple(3, shape.data(), nullptr);
  const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plan, 3, shape.data());
  H5Pset_filter(plan, 32001, H5Z_FLAG_OPTIONAL, 0, nullptr);
  H5Dclose(H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, plan, H5P_DEFAULT));
  H5Pclose(plan);
  H5Sclose(space);
  H5Fclose(file);
  try {
    Dataset::open(path);
    ADD_FAILURE();
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("packed with Blosc (HDF5 filter 32001)"), text.npos) << text;
    EXPECT_EQ(text.find("h5repack"), text.npos) << text;
  }
}

// What is advised for files of others is done where the tools are there, and helps.
class Hdf5Advice : public Hdf5Files {
 protected:
  /// A file with one data set of 16 numbers, made by `plan`.
  template <typename Plan>
  std::string write(Plan plan) {
    const std::string path = folder_ / "in.h5";
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const std::vector<hsize_t> shape{4, 2, 2};
    const hid_t space = H5Screate_simple(3, shape.data(), nullptr);
    const hid_t created = H5Pcreate(H5P_DATASET_CREATE);
    plan(created, shape);
    const hid_t data =
        H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, created, H5P_DEFAULT);
    H5Dwrite(data, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels_.data());
    H5Dclose(data);
    H5Pclose(created);
    H5Sclose(space);
    H5Fclose(file);
    return path;
  }
  /// Opening `path` advises `command`, in which IN and OUT are files; what it writes is read.
  void expect_to_help(const std::string& path, const std::string& command,
                      const Bytes& pixels = {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}) {
    expect_error(ErrorKind::data, "`" + command + "`", [&] { Dataset::open(path); });
    const std::string tool = command.substr(0, command.find(' '));
    if (std::system((tool + " --version > /dev/null 2>&1").c_str()) != 0) {
      GTEST_SKIP() << "no " << tool << " here";
    }
    std::string run = command;
    run.replace(run.find(" IN") + 1, 2, path);
    run.replace(run.find(" OUT") + 1, 3, folder_ / "out.h5");
    ASSERT_EQ(std::system(("cd " + folder_.path().string() + " && " + run).c_str()), 0) << run;
    const Dataset repacked = Dataset::open(folder_ / "out.h5");
    Bytes found(pixels.size());
    repacked.read(repacked.samples_of(Split::all), reinterpret_cast<std::byte*>(found.data()));
    EXPECT_TRUE(found == pixels);
  }
  const Bytes pixels_{1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8};
};

TEST_F(Hdf5Advice, ForFiltersThatComeWithHdf5Helps) {
  const std::string path = write([](hid_t plan, const std::vector<hsize_t>& shape) {
    H5Pset_chunk(plan, 3, shape.data());
    H5Pset_scaleoffset(plan, H5Z_SO_INT, 0);
  });
  expect_to_help(path, "h5repack -f GZIP=1 IN OUT");
}

// Chunks of 2 GiB that hold 16 bytes: nothing else of them is ever written.
TEST_F(Hdf5Advice, ForHugeChunksHelps) {
  const std::string path = folder_ / "huge.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const std::vector<hsize_t> shape{4, 2, 2};
  const std::vector<hsize_t> most{H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED};
  const std::vector<hsize_t> chunk{hsize_t{1} << 21, 32, 32};
  const hid_t space = H5Screate_simple(3, shape.data(), most.data());
  const hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plan, 3, chunk.data());
  H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER);
  const hid_t data =
      H5Dcreate2(file, "images", H5T_STD_U8LE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
  ASSERT_GE(H5Dwrite(data, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels_.data()), 0);
  H5Dclose(data);
  H5Pclose(plan);
  H5Sclose(space);
  H5Fclose(file);
  expect_to_help(path, "h5repack -l /images:CHUNK=4x2x2 IN OUT");
}

TEST_F(Hdf5Advice, ForWhatUnpacksToHundredsOfTimesTheFileHelps) {
  const std::string path = folder_ / "flat.h5";
  const Bytes pixels((Index{257} << 20), 7);
  Hdf5Writer writer(path);
  writer.write<std::uint8_t>("images", {257, 1024, 1024}, pixels,
                             {.chunk = {1, 1024, 1024}, .gzip = 9});
  writer.finish();
  expect_to_help(path, "h5repack -f NONE IN OUT", pixels);
}

TEST_F(Hdf5Advice, ForValuesInAnotherFileHelps) {
  const std::string raw = folder_ / "raw.bin";
  const std::string path = write([&](hid_t plan, const std::vector<hsize_t>& /*shape*/) {
    H5Pset_external(plan, raw.c_str(), 0, 16);
  });
  expect_to_help(path, "h5repack -l CONTI IN OUT");
}

TEST_F(Hdf5Advice, ForLinksToOtherFilesHelps) {
  const std::string linked = write([](hid_t /*plan*/, const std::vector<hsize_t>& /*shape*/) {});
  const std::string path = folder_ / "link.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external(linked.c_str(), "images", file, "images", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  expect_to_help(path, "h5copy -f ext -i IN -o OUT -s images -d images");
}

TEST_F(Hdf5Files, AFileThatIsBeingWrittenIsCalledSo) {
  const std::string path = folder_ / "a.h5";
  Hdf5Writer writer(path);
  writer.write<std::uint8_t>("images", {2, 2, 2}, Bytes(8, 1));
  writer.finish();
  const int held = ::open(path.c_str(), O_RDWR);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  const auto refused = [&](const std::string& part) {
    try {
      Dataset::open(path);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find(part), text.npos) << text;
      EXPECT_EQ(text.find("h5clear"), text.npos) << text;
      EXPECT_EQ(text.find("damaged"), text.npos) << text;
    }
  };
  refused("another process is writing it; wait until that has closed the file");
  ::close(held);
  EXPECT_EQ(Dataset::open(path).size(), 2);
  // A writer that was killed, or runs where files cannot be locked, leaves a mark.
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  std::filesystem::copy_file(path, folder_ / "left.h5");
  H5Fclose(file);
  H5Pclose(access);
  std::filesystem::rename(folder_ / "left.h5", path);
  refused("was not closed by who wrote it, or is still being written");
}

TEST_F(Hdf5Files, WhatIsNoHdf5IsToldWithTheWayIn) {
  const auto refused = [&](const std::string& name, const std::string& bytes,
                           const std::string& why) {
    test::write_text(folder_ / name, bytes);
    expect_error(ErrorKind::data, why, [&] { Dataset::open(folder_ / name); });
  };
  const std::string png = test::grey_png(1, 1, {7});
  refused("a.png", png, "but a PNG picture; `kindred import FOLDER OUT.h5` makes a data set");
  refused("a.parquet", "PAR1 rest", "but a Parquet file; convert it to HDF5");
  refused("a.h5", "", "(0 bytes) but empty");
  refused("a.pkl", "\x80\x04 rest", "but a Python pickle");
  refused("a.mat", "MATLAB 5.0 MAT-file", "but a MATLAB 5 file (save it with -v7.3)");
  refused("b.h5", "version https://git-lfs.github.com/spec/v1\n", "but a Git LFS pointer");
  refused("c.h5", "<!DOCTYPE html>", "but an HTML page, as failed downloads leave them");
  refused("a.tar.zst", "\x28\xB5\x2F\xFD rest", "but a Zstandard (.zst) file; unpack it first");
  refused("a.zip", "PK\3\4 rest", "but a zip archive; `kindred import");
  refused("a.toml", "[data]\nfile = 'x'\n", "but a text file");
  // What it says of a picture helps.
  test::write_text(folder_ / "in/cat/a.png", png);
  EXPECT_EQ(import_dataset(Names{folder_ / "in"}, folder_ / "out.h5", {}).samples, 1);
}

}  // namespace
}  // namespace kindred
