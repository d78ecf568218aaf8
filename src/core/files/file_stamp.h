#pragma once
#include <sys/types.h>

#include <ctime>
#include <string>

namespace kindred {

/// What the system says of a file without reading it: which one it is, how long, and when it was
/// last written. A file that is used for hours is looked at by it again and again.
class FileStamp {
 public:
  /// Of the file as it is now. One that cannot be looked at is for those to tell who open it:
  /// check() then finds no fault.
  explicit FileStamp(std::string path);

  /// Fails with data where another file stands at the path, or this one was written since. A path
  /// that leads nowhere is no fault: who has the file open keeps what was moved or removed.
  void check() const;

 private:
  std::string path_;
  bool known_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  off_t bytes_ = 0;
  timespec written_{};
};

}  // namespace kindred
