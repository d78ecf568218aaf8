#pragma once
#include <string>

#include "core/files/file_handle.h"
#include "core/files/output_target.h"

namespace kindred {

/// A file that is being written, under a name of its own beside the file it will replace
/// ("out.h5.1f09c3d2.partial"). It is new, never behind a link, and gone at the end unless it was
/// put in place. It is locked while it is written, so what a killed process left is known as such,
/// and removed when the next one for the same target begins.
class PartialFile {
 public:
  PartialFile() = default;
  /// With the rights of what it will replace. Fails with cannot_create.
  explicit PartialFile(const OutputTarget& target);
  /// One for nobody's place, in the folder for temporary files.
  static PartialFile temporary(const std::string& path);
  PartialFile(PartialFile&& other) noexcept { *this = std::move(other); }
  PartialFile& operator=(PartialFile&& other) noexcept {
    path_.swap(other.path_);
    std::swap(file_, other.file_);
    return *this;
  }
  ~PartialFile();

  /// Removes what processes that were killed left in a folder, for whatever targets: what nobody
  /// holds the lock of.
  static void remove_left_in(const std::string& folder);

  const std::string& path() const { return path_; }
  int descriptor() const { return file_.get(); }  ///< for reading and writing
  bool valid() const { return file_.valid(); }

  /// Syncs and closes it, gives it the name `to`, and syncs the folder. `path` begins messages.
  /// Fails with io; `to` is then as it was, unless it was the folder that failed.
  void put_in_place(const std::string& to, const std::string& path);

 private:
  void create(const std::string& folder, const std::string& name, const std::string& path);
  bool is_own() const;  ///< its name still leads to it

  std::string path_;
  FileHandle file_;
};

}  // namespace kindred
