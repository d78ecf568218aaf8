#include "core/files/fail_io.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "kindred/core/error.h"

namespace kindred {

void fail_io(const std::string& path, const char* what) {
  const int code = errno;
  fail(ErrorKind::io, fmt::format("{}: {} failed: {}{}", path, what, std::strerror(code),
                                  code == ENOSPC ? "; free some space and run again" : ""));
}

}  // namespace kindred
