#include "core/files/opened_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "core/files/fail_io.h"
#include "kindred/core/error.h"

namespace kindred {

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
  return file;
}

}  // namespace kindred
