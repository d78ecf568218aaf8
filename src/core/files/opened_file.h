#pragma once
#include <string>

#include "core/files/file_handle.h"
#include "kindred/core/index.h"

namespace kindred {

struct OpenedFile {
  FileHandle handle;
  Index size = 0;  ///< bytes
};

/// A regular file, links followed. Fails with no_input, or system.
OpenedFile open_to_read(const std::string& path);

}  // namespace kindred
