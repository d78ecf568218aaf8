#include "core/files/positioned_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/files/fail_io.h"
#include "core/files/file_handle.h"
#include "kindred/core/error.h"

namespace kindred {

void read_at(int file, std::uint64_t offset, Index bytes, std::byte* dst,
             const std::string& where) {
  while (bytes > 0) {
    const ssize_t count =
        ::pread(file, dst, static_cast<std::size_t>(bytes), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_io(where, "reading");
    if (count == 0) {
      fail(ErrorKind::data,
           fmt::format("{}: the file ends at byte {}, {} more are expected; it is truncated", where,
                       offset, bytes));
    }
    dst += count;
    offset += static_cast<std::uint64_t>(count);
    bytes -= count;
  }
}

bool read_if_cached(int file, std::uint64_t offset, Index bytes, std::byte* dst) {
  iovec place{dst, static_cast<std::size_t>(bytes)};
  return ::preadv2(file, &place, 1, static_cast<off_t>(offset), RWF_NOWAIT) == bytes;
}

void read_ahead(int file, std::uint64_t offset, Index bytes) {
  ::posix_fadvise(file, static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
}

void write_at(int file, std::uint64_t offset, Index bytes, const std::byte* src,
              const std::string& where) {
  while (bytes > 0) {
    const ssize_t count =
        ::pwrite(file, src, static_cast<std::size_t>(bytes), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ENOSPC;  // nothing taken, no reason given
    if (count <= 0) fail_io(where, "writing");
    src += count;
    offset += static_cast<std::uint64_t>(count);
    bytes -= count;
  }
}

void write_all(int file, std::span<const std::byte> bytes, const std::string& where,
               const std::string& advice) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int code = count < 0 ? errno : ENOSPC;  // nothing taken, no reason given
      const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
      fail(kind_of_failure(code, ErrorKind::io),
           fmt::format("{}: writing failed: {}{}{}", where, std::strerror(code), full ? "; " : "",
                       full ? advice : std::string()));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void sync_to_disk(int file, const std::string& where) {
  while (::fsync(file) != 0) {
    if (errno == EINTR) continue;
    fail_io(where, "syncing");
  }
}

void sync_folder(const std::string& folder, const std::string& where) {
  const FileHandle file = FileHandle::open(folder, O_RDONLY | O_DIRECTORY);
  if (!file.valid()) fail_io(where, "syncing its folder");
  while (::fsync(file.get()) != 0) {
    if (errno == EINVAL) return;
    if (errno != EINTR) fail_io(where, "syncing its folder");
  }
}

}  // namespace kindred
