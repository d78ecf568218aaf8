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
  /// The whole content of the file that next() came to. Over `most` bytes it fails with data.
  std::vector<std::byte> read(Index most);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True where the file begins or is named as archives that Archive reads (zip, tar, packed tar).
bool is_archive(const std::string& path);

/// The bytes, unpacked where they are gzip; fails with data where that is damaged or over `most`
/// bytes. `where` names them in messages.
std::vector<std::byte> gunzip(std::vector<std::byte> bytes, Index most, const std::string& where);

}  // namespace kindred
