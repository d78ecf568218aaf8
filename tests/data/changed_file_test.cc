// Data that somebody writes to while it is streamed: what is read afterwards is neither the old nor
// the new, so reading fails and says so.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "kindred/data/dataset.h"
#include "kindred/data/hdf5_file.h"
#include "support/data_files.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;
using test::TempFolder;

constexpr Index kCount = 400;

// As samples that lie whole, in packed chunks, as vectors, and such as HDF5 has to convert.
const std::map<std::string, std::function<void(const std::string&)>> kFiles = {
    {"whole",
     [](const std::string& path) {
       test::write_data_file(
           path, {.height = 16, .width = 16, .images = test::numbered_images(kCount, 256)});
     }},
    {"packed",
     [](const std::string& path) {
       test::write_data_file(path, {.height = 16,
                                    .width = 16,
                                    .images = test::numbered_images(kCount, 256),
                                    .storage = {.chunk = {9, 16, 16, 1}, .gzip = 1}});
     }},
    {"vectors",
     [](const std::string& path) {
       test::write_data_file(path, {.features = 64, .vectors = std::vector<float>(kCount * 64, 1)});
     }},
    {"converted",
     [](const std::string& path) {
       Hdf5Writer writer(path);
       writer.write<double>("vectors", {kCount, 64}, std::vector<double>(kCount * 64, 0.5));
       writer.finish();
     }},
    {"others",
     [](const std::string& path) {
       Hdf5Writer writer(path);
       writer.write<std::uint8_t>("x_train", {kCount, 3, 8, 8}, test::numbered_images(kCount, 192));
       writer.write<std::int64_t>("y_train", {kCount}, std::vector<std::int64_t>(kCount, 1));
       writer.finish();
     }},
};

// Tests are faster than the clock that the system stamps files with.
void set_written_later(const std::string& path) {
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const timespec times[2] = {{0, UTIME_OMIT}, {status.st_mtim.tv_sec + 1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

void overwrite_in_place(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(path) / 2));
  file << "other data";
  file.close();
  set_written_later(path);
}

void truncate_and_grow(const std::string& path) {
  const auto bytes = fs::file_size(path);
  fs::resize_file(path, 100);
  fs::resize_file(path, bytes);
  set_written_later(path);
}

void truncate(const std::string& path) { fs::resize_file(path, 100); }

void replace(const std::string& path) {
  fs::copy_file(path, path + ".new");
  fs::rename(path + ".new", path);
}

const std::map<std::string, void (*)(const std::string&)> kChanges = {
    {"overwritten", overwrite_in_place},
    {"truncated and regrown", truncate_and_grow},
    {"truncated", truncate},
    {"replaced", replace}};

void read_some(const Dataset& data) {
  const std::vector<Index> samples{kCount - 1, 0, kCount / 2, 7};
  std::vector<std::byte> rows(samples.size() * static_cast<std::size_t>(data.sample_bytes()));
  data.read(samples, rows.data(), Reading::random);
}

TEST(ChangedFile, IsNoticedHoweverItIsStreamed) {
  for (const auto& [kind, write] : kFiles) {
    for (const auto& [how, change] : kChanges) {
      SCOPED_TRACE(kind + ", " + how);
      const TempFolder folder;
      const std::string path = folder / "data.h5";
      write(path);
      const Dataset data = Dataset::stream(path);
      read_some(data);
      change(path);
      expect_error(ErrorKind::data, path + ": changed while it was in use",
                   [&] { read_some(data); });
    }
  }
}

TEST(ChangedFile, GroupsAndListedFilesAreLookedAtToo) {
  const TempFolder folder;
  {
    Hdf5Writer writer(folder / "grouped.h5");
    writer.group("here");
    writer.write<std::uint8_t>("here/images", {kCount, 16, 16, 1},
                               test::numbered_images(kCount, 256));
    writer.finish();
  }
  kFiles.at("others")(folder / "first.h5");
  kFiles.at("others")(folder / "second.h5");
  std::ofstream(folder / "list.txt") << "first.h5\nsecond.h5\n";
  for (const auto& [name, file] :
       {std::pair{"grouped.h5:/here", "grouped.h5"}, {"list.txt", "second.h5"}}) {
    const Dataset data = Dataset::stream(folder / name);
    read_some(data);
    overwrite_in_place(folder / file);
    expect_error(ErrorKind::data, (folder / file) + ": changed while it was in use",
                 [&] { read_some(data); });
  }
}

TEST(ChangedFile, IsNoMatterToWhatIsInMemoryOrStillOpen) {
  for (const auto& [kind, write] : kFiles) {
    SCOPED_TRACE(kind);
    const TempFolder folder;
    const std::string path = folder / "data.h5";
    write(path);
    const Dataset loaded = Dataset::open(path);
    const Dataset streamed = Dataset::stream(path);
    fs::rename(path, folder / "moved.h5");
    EXPECT_NO_THROW(read_some(streamed));
    fs::remove(folder / "moved.h5");
    EXPECT_NO_THROW(read_some(streamed));
    std::ofstream(path) << "something else";
    EXPECT_NO_THROW(read_some(loaded));
  }
}

// The checksum of all samples does not depend on whether they were streamed.
TEST(DataChecksum, IsOfAllSamplesWhereOpeningReadsThem) {
  const TempFolder folder;
  kFiles.at("whole")(folder / "whole.h5");
  kFiles.at("packed")(folder / "packed.h5");
  kFiles.at("vectors")(folder / "vectors.h5");
  const auto whole = Dataset::open(folder / "whole.h5").checksum();
  ASSERT_TRUE(whole);
  EXPECT_EQ(Dataset::open(folder / "packed.h5").checksum(), whole);
  EXPECT_EQ(Dataset::stream(folder / "whole.h5").checksum(), std::nullopt);
  const auto vectors = Dataset::open(folder / "vectors.h5").checksum();
  EXPECT_NE(vectors, whole);
  EXPECT_EQ(Dataset::stream(folder / "vectors.h5").checksum(), vectors);
  std::vector<std::uint8_t> images = test::numbered_images(kCount, 256);
  images.back() ^= 1;
  test::write_data_file(folder / "other.h5", {.height = 16, .width = 16, .images = images});
  EXPECT_NE(Dataset::open(folder / "other.h5").checksum(), whole);
}

}  // namespace
}  // namespace kindred
