#pragma once
#include <cstdint>
#include <string>

#include "core/files/file_handle.h"
#include "kindred/core/index.h"

namespace kindred {

struct OpenedFile {
  FileHandle handle;
  Index size = 0;             ///< bytes
  std::int64_t modified = 0;  ///< as modified_at() has it
};

/// When what the file holds was written last, in ns since 1970; 0 where the system does not say.
std::int64_t modified_at(const FileHandle& file);

/// A regular file, links followed. Fails with no_input, or system.
OpenedFile open_to_read(const std::string& path);

}  // namespace kindred
