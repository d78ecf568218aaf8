#include "core/files/opened_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "core/files/fail_io.h"
#include "kindred/core/error.h"

namespace kindred {

namespace {

std::int64_t time_of(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

}  // namespace

std::int64_t modified_at(const FileHandle& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 ? time_of(status) : 0;
}

OpenedFile open_to_read(const std::string& path) {
  // O_NONBLOCK: opening a named pipe would wait for somebody to write into it.
  OpenedFile file{FileHandle::open(path, O_RDONLY | O_NONBLOCK)};
  struct stat status {};
  if (!file.handle.valid() || ::fstat(file.handle.get(), &status) != 0) {
    const int reason = errno;
    fail(kind_of_failure(reason, ErrorKind::no_input),
         fmt::format("{}: cannot open: {}", path, text_of_failure(reason)));
  }
  if (!S_ISREG(status.st_mode)) fail(ErrorKind::no_input, path + ": is not a regular file");
  file.size = status.st_size;
  file.modified = time_of(status);
  return file;
}

}  // namespace kindred
