#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

namespace kindred {

/// An open file descriptor, closed at the end; close() tells whether that went well.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int descriptor) : descriptor_(descriptor) {}
  /// As the system's open(), again where a signal interrupted it; not valid, and errno says why,
  /// where it failed.
  static FileHandle open(const std::string& path, int flags, mode_t rights = 0) {
    int descriptor = -1;
    do {
      descriptor = ::open(path.c_str(), flags | O_CLOEXEC, rights);
    } while (descriptor < 0 && errno == EINTR);
    return FileHandle(descriptor);
  }
  FileHandle(FileHandle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileHandle() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }
  bool valid() const { return descriptor_ >= 0; }
  bool close() {
    // Linux has closed it when a signal interrupts: asking again may close somebody else's.
    return ::close(std::exchange(descriptor_, -1)) == 0 || errno == EINTR;
  }

 private:
  int descriptor_ = -1;
};

}  // namespace kindred
