#include "core/files/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "kindred/core/error.h"

namespace kindred {

FileStamp::FileStamp(std::string path) : path_(std::move(path)) {
  struct stat status {};
  known_ = ::stat(path_.c_str(), &status) == 0;
  if (!known_) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  bytes_ = status.st_size;
  written_ = status.st_mtim;
}

void FileStamp::check() const {
  struct stat status {};
  if (!known_ || ::stat(path_.c_str(), &status) != 0) return;
  const auto changed = [&](const std::string& how) {
    fail(ErrorKind::data,
         fmt::format("{}: changed while it was in use: {}; what was read of it may be neither the "
                     "old nor the new; leave the file alone while it is read, and run again",
                     path_, how));
  };
  if (status.st_dev != device_ || status.st_ino != inode_) changed("another file stands there");
  if (status.st_size != bytes_) {
    changed(fmt::format("it had {} bytes and has {}", bytes_, status.st_size));
  }
  if (status.st_mtim.tv_sec != written_.tv_sec || status.st_mtim.tv_nsec != written_.tv_nsec) {
    changed("it was written to");
  }
}

}  // namespace kindred
