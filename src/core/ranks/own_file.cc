#include "core/ranks/own_file.h"

#include <dlfcn.h>

#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {

namespace fs = std::filesystem;

fs::path own_file() {
  Dl_info info{};
  static const int here = 0;
  if (::dladdr(&here, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code unknown;
  const fs::path named = info.dli_fname;
  // Of a program that is the name it was started by, which may lie anywhere in PATH.
  if (named.filename().string().find(".so") == std::string::npos) {
    const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
    if (!unknown) return program;
  }
  const fs::path found = fs::canonical(named, unknown);
  return unknown ? fs::path() : found;
}

std::string own_checksum() try {
  const fs::path file = own_file();
  return file.empty() ? "" : hex(checksum(read_file(file.string())));
} catch (const Error&) {
  return "";
}

}  // namespace kindred
