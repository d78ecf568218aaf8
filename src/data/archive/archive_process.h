#pragma once
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "data/archive/archive.h"
#include "data/isolation/isolated.h"

namespace kindred {

/// What a file holds, or the reason why it cannot be read.
struct FileContent {
  std::vector<std::byte> bytes;
  std::string error;  ///< a whole message, or empty

  auto fields() { return std::tie(bytes, error); }
};

/// A file of an archive, before it is read.
struct ArchiveEntry {
  std::string name;     ///< with forward slashes, without "./" in front
  std::string refusal;  ///< as Archive::refusal()

  auto fields() { return std::tie(name, refusal); }
};

/// An Archive that is read in a child process, many files at a time: what is wrong with it costs a
/// message. Fails as Archive does, with data where it crashes or hangs the child, or with io.
class ArchiveProcess {
 public:
  /// `most`: bytes of the largest file that will be read.
  ArchiveProcess(const std::string& path, Index most);
  ~ArchiveProcess();

  /// The files that follow those listed; empty at the end.
  std::vector<ArchiveEntry> list();
  /// The content of the first of these files (of all, or so many as are a reasonable size
  /// together), from those read before on, in the archive's order. One that cannot be read is an
  /// error of its own; so is each behind damage that cannot be passed.
  std::vector<FileContent> read(const std::vector<std::string>& names);

 private:
  struct InChild;
  std::unique_ptr<InChild> reader_;  // the child's own from the fork on
  IsolatedProcess process_;
};

}  // namespace kindred
