#include "core/files/file_stamp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_folder.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;
using test::expect_error;

class FileStampTest : public testing::Test {
 protected:
  FileStampTest() { std::ofstream(path_) << "12345"; }
  // Writes within the clock's grain would go unseen: the time is set by hand.
  static void set_written(const std::string& path, time_t seconds, long nanoseconds = 0) {
    const timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  test::TempFolder folder_;
  std::string path_ = folder_ / "file";
};

TEST_F(FileStampTest, AFileThatIsLeftAloneIsTheSame) {
  const FileStamp stamp(path_);
  std::ifstream(path_).get();
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_NO_THROW(stamp.check());
}

TEST_F(FileStampTest, TellsHowAFileChanged) {
  set_written(path_, 1000);
  const FileStamp stamp(path_);
  std::ofstream(path_) << "123456789";
  expect_error(ErrorKind::data, path_ + ": changed while it was in use: it had 5 bytes and has 9",
               [&] { stamp.check(); });
  std::ofstream(path_) << "54321";
  set_written(path_, 1000, 1);
  expect_error(ErrorKind::data, "it was written to", [&] { stamp.check(); });
  std::ofstream(folder_ / "other") << "12345";
  set_written(folder_ / "other", 1000);
  fs::rename(folder_ / "other", path_);
  expect_error(ErrorKind::data, "another file stands there", [&] { stamp.check(); });
}

TEST_F(FileStampTest, WhatWasMovedOrRemovedIsStillWhole) {
  const FileStamp stamp(path_);
  fs::rename(path_, folder_ / "moved");
  EXPECT_NO_THROW(stamp.check());
  const FileStamp missing(path_);
  std::ofstream(path_) << "12345";
  EXPECT_NO_THROW(missing.check());
}

}  // namespace
}  // namespace kindred
