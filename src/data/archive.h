#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// The files of a zip or tar archive one after the other, read into memory. Nothing is extracted
/// to disk. Archives are not trusted: names that climb out ("../", "/etc") and sizes beyond the
/// limits fail with data; a missing archive is no_input.
class Archive {
 public:
  explicit Archive(const std::string& path);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  /// Goes on to the next regular file; false at the end.
  bool next();
  const std::string& name() const;  ///< with forward slashes
  /// The whole content of the file that next() came to, at most 64 MiB.
  std::vector<std::byte> read();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One file of an archive.
struct ArchivedFile {
  std::string name;
  std::vector<std::byte> bytes;
};

/// The name of the first regular file, or "" where `path` is not an archive with files in it.
std::string first_name_in_archive(const std::string& path);

}  // namespace kindred
