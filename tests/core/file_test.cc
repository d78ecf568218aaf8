#include "kindred/core/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>

#include "core/files/sha256.h"
#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

std::string text_of(const std::string& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using test::expect_error;

// No file of this process may grow beyond `bytes`: a full disk, as far as write() can tell.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int) = nullptr;
};

class FileTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_ / name; }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }

  test::TempFolder folder_;
};

TEST_F(FileTest, WritesPartsOneAfterTheOther) {
  const std::string first = "one ";
  const std::string second = "two";
  const std::array<std::span<const std::byte>, 2> parts{std::as_bytes(std::span(first)),
                                                        std::as_bytes(std::span(second))};
  write_file_durably(path("file"), parts);
  EXPECT_EQ(text_of(path("file")), "one two");
  EXPECT_EQ(files(), 1u);  // nothing is left beside it
}

TEST(Checksum, OfPartsIsThatOfTheWhole) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>('a' + i % 23);
  const std::span<const std::byte> whole = std::as_bytes(std::span(text));
  const std::array<std::span<const std::byte>, 4> parts{
      whole.first(1), whole.subspan(1, 0), whole.subspan(1, 3000), whole.subspan(3001)};
  EXPECT_EQ(checksum(parts), checksum(whole));
  EXPECT_NE(checksum(std::span(parts).first(3)), checksum(whole));
}

TEST_F(FileTest, ReplacesAnOlderFileAsAWhole) {
  write_file_durably(path("file"), "a longer first content");
  write_file_durably(path("file"), "short");
  EXPECT_EQ(text_of(path("file")), "short");
  write_file_durably(path("file"), "");
  EXPECT_EQ(text_of(path("file")), "");
}

TEST_F(FileTest, WritesIntoTheWorkingFolder) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  write_file_durably("bare", "text");
  fs::current_path(before);
  EXPECT_EQ(text_of(path("bare")), "text");
}

TEST_F(FileTest, AFullDiskLeavesTheOldFileAndNothingBeside) {
  write_file_durably(path("file"), "old");
  const std::string large(100000, 'x');
  {
    const FullDisk full(4096);
    expect_error(ErrorKind::io, "writing failed", [&] { write_file_durably(path("file"), large); });
  }
  EXPECT_EQ(text_of(path("file")), "old");
  EXPECT_EQ(files(), 1u);
  write_file_durably(path("file"), large);
  EXPECT_EQ(text_of(path("file")), large);
}

TEST_F(FileTest, FailsWhereTheFolderIsMissingOrIsAFile) {
  expect_error(ErrorKind::cannot_create, "No such file or directory",
               [&] { write_file_durably(path("missing/file"), "x"); });
  write_file_durably(path("file"), "x");
  expect_error(ErrorKind::cannot_create, path("file/inside") + ": cannot create: Not a directory",
               [&] { write_file_durably(path("file/inside"), "x"); });
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, FailsWhereTheTargetIsAFolder) {
  make_folders(path("target"));
  expect_error(ErrorKind::cannot_create, "it is a folder; name a file",
               [&] { write_file_durably(path("target"), "x"); });
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTest, ReadFailsByKind) {
  expect_error(ErrorKind::no_input, path("missing") + ": cannot open: No such file or directory",
               [&] { read_file(path("missing")); });
  expect_error(ErrorKind::no_input, "is not a regular file",
               [&] { read_file(folder_.path().string()); });
  write_file_durably(path("file"), "12345");
  EXPECT_EQ(read_file(path("file"), 5).size(), 5u);
  expect_error(ErrorKind::data, "has 5 bytes; at most 4 are expected here",
               [&] { read_file(path("file"), 4); });
}

TEST_F(FileTest, ANamedPipeIsRefusedWithoutWaitingForAWriter) {
  // Opening a pipe to read used to wait until somebody writes: the program hung.
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  expect_error(ErrorKind::no_input, "is not a regular file", [&] { read_file(path("pipe")); });
}

TEST_F(FileTest, BeginningOfAFileIsThatOfRegularOnes) {
  write_file_durably(path("file"), "12345");
  EXPECT_EQ(beginning_of_file(path("file"), 3), "123");
  EXPECT_EQ(beginning_of_file(path("file"), 9), "12345");
  EXPECT_EQ(beginning_of_file(path("missing"), 3), "");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(beginning_of_file(path("pipe"), 3), "");
}

TEST_F(FileTest, MakesFoldersWithTheirParents) {
  make_folders(path("a/b/c"));
  EXPECT_TRUE(fs::is_directory(path("a/b/c")));
  make_folders(path("a/b/c"));  // again is no error
  write_file_durably(path("file"), "x");
  expect_error(ErrorKind::cannot_create, "cannot create the folder",
               [&] { make_folders(path("file/b")); });
  expect_error(ErrorKind::cannot_create, "cannot create the folder",
               [&] { make_folders(path("file")); });
}

TEST(Checksum, IsXxh3) {
  // The value that xxhsum -H3 prints for no bytes.
  EXPECT_EQ(hex(checksum(std::span<const std::byte>())), "2d06800538d394c2");
  const std::string text = "kindred";
  const auto bytes = std::as_bytes(std::span(text));
  EXPECT_NE(checksum(bytes), checksum(bytes.first(6)));
  EXPECT_NE(checksum(bytes), checksum(bytes, 1));
}

TEST(Hex, HasSixteenDigits) {
  EXPECT_EQ(hex(0), "0000000000000000");
  EXPECT_EQ(hex(0xABCDEF), "0000000000abcdef");
}

// FIPS 180-4's examples, and the empty text.
TEST(Sha256, GivesThePublishedDigests) {
  const auto digest = [](const std::string& text) {
    return sha256(std::as_bytes(std::span(text)));
  };
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace kindred
