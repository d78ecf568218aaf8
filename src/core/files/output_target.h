#pragma once
#include <sys/stat.h>

#include <string>

namespace kindred {

/// Where a path leads that somebody gave as an output. Symbolic links are followed, also to a file
/// that is not there yet.
struct OutputTarget {
  std::string path;  ///< as given, for messages
  std::string file;  ///< behind the links
  bool exists = false;
  struct stat status {};  ///< of what exists
  bool replaced = true;   ///< a regular file or none: another one takes its name when it is whole;
                          ///< false: a device or a pipe, which is written into
  int descriptor = -1;    ///< an open one of this process that is the target; none: -1

  /// Where `file` is, or will be.
  std::string folder() const;
};

/// Fails with cannot_create where the path leads nowhere.
OutputTarget find_target(const std::string& path);

/// Fails with cannot_create where the target cannot be written as far as asking tells: a folder,
/// one whose folder is missing, write-protected.
void check_target(const OutputTarget& target);

/// The same, and tries to make a file beside it, which does not stay.
void require_writable(const OutputTarget& target);

/// Fails with cannot_create where the folder neither exists nor can be made, or files cannot be
/// made in it.
void require_folder(const std::string& folder);

/// Why a target cannot be created, as an Error: cannot_create, or as kind_of_failure() says of a
/// reason of the system's.
[[noreturn]] void fail_to_create(const std::string& path, const std::string& why);
[[noreturn]] void fail_to_create(const std::string& path, int reason);

}  // namespace kindred
