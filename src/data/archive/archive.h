#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// The files of a zip or tar archive one after the other, read into memory. Nothing is extracted
/// to disk. Archives are not trusted: names that climb out ("../", "/etc") and what is over the
/// limits fail with data; a missing archive is no_input.
class Archive {
 public:
  struct Limits {
    Index files = 5'000'000;
    Index name_bytes = 4096;
    Index bytes = Index{1} << 30;  ///< that are unpacked from any archive; from a large one,
    Index ratio = 200;             ///< so many times its own size more
  };
  explicit Archive(const std::string& path);
  Archive(const std::string& path, const Limits& limits);
  ~Archive();
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;

  /// Goes on to the next file, over folders; false at the end. Behind one that read() failed at,
  /// too, unless the archive is damaged beyond it.
  bool next();
  const std::string& name() const;  ///< with forward slashes
  /// Why the file next() came to is none that can be read ("is a link, which is not followed");
  /// empty where it can.
  const std::string& refusal() const;
  /// The whole content of the file that next() came to. Fails with data where that is damaged or
  /// over `most` bytes.
  std::vector<std::byte> read(Index most);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True where the file begins or is named as archives that Archive reads (zip, tar, packed tar).
bool is_archive(const std::string& path);
bool is_archive_name(const std::string& name);

bool is_gzip(std::span<const std::byte> bytes);
/// The bytes of a gzip file, unpacked; fails with data where that is damaged or over `most` bytes.
/// `where` names them in messages.
std::vector<std::byte> gunzip(std::vector<std::byte> bytes, Index most, const std::string& where);

}  // namespace kindred
