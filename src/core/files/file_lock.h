#pragma once
#include <string>

#include "core/files/file_handle.h"

namespace kindred {

/// Keeps a folder or an output to one process, by a lock (flock) on a small file that says who
/// holds it. The lock ends with the object or with its process, however that ends: what a killed
/// process leaves is a file that nobody holds, and the next one takes it over. Children that close
/// what they inherit do not prolong it.
class FileLock {
 public:
  /// Takes the lock on the file `path`, made where it is missing; `guarded` is what messages say is
  /// held. Fails with cannot_create: another process holds it (its number and host are named), or
  /// the file cannot be made, or something else stands there.
  FileLock(std::string path, const std::string& guarded);
  /// The lock of an output file, beside it: one for all of the file's names.
  static FileLock of_output(const std::string& output);

  /// Who has the lock on the file `path`, as far as it can be seen without asking for it.
  enum class Held { nobody, somebody, one_that_is_no_more };
  static Held look_at(const std::string& path);

  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  /// Why this file system keeps nobody else away; "" where it does.
  const std::string& unsupported() const { return unsupported_; }

 private:
  bool take(const std::string& guarded);
  bool is_in_place() const;
  void write_holder();

  std::string path_;
  FileHandle file_;
  std::string unsupported_;
};

}  // namespace kindred
