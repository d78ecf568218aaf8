#pragma once
#include <string>
#include <vector>

namespace kindred {

/// Folders that are made for a piece of work: on the disk when they are made, and gone again at the
/// end where they are still empty, unless they are kept.
class MadeFolders {
 public:
  MadeFolders() = default;
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;
  ~MadeFolders();

  /// `path` and its parents, where they are missing. Fails with cannot_create, or io where a name
  /// cannot be brought to the disk.
  void make(const std::string& path);
  /// The same of a folder that must not be there yet; false where it is.
  bool make_new(const std::string& path);
  void keep() { made_.clear(); }

 private:
  bool make_one(const std::string& path);

  std::vector<std::string> made_;  // parents first
};

}  // namespace kindred
