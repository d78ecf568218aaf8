#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/archive/archive_process.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/index.h"

namespace kindred {

/// One file among the sources of an import.
struct SourceFile {
  std::string name;   ///< as its folder or archive calls it, with forward slashes
  std::string where;  ///< for messages: "faces.zip: anna/1.jpg", "faces/anna/1.jpg"
  std::string path;   ///< on disk; empty in an archive
  Index source = 0;   ///< of sources()
};

/// The files of folders, of archives (nothing is extracted to disk, and they are read
/// in child processes), and those named one by one,
/// listed once. Hidden files ("." before a name, "__MACOSX") are left out. Fails with no_input
/// (missing) or data (an archive that is damaged or breaks the rules of Archive).
class SourceFiles {
 public:
  explicit SourceFiles(std::span<const std::string> sources);

  const std::vector<std::string>& sources() const { return sources_; }
  const std::vector<SourceFile>& files() const { return files_; }
  const SourceFile& operator[](Index file) const { return files_[static_cast<std::size_t>(file)]; }

  /// What is among the sources but no file that can be read, with the reason: links, pipes,
  /// encrypted files of archives, folders that may not be entered.
  const std::vector<std::string>& left_out() const { return left_out_; }

  Index hidden() const { return hidden_; }  ///< files left out for that

  /// Gives the `wanted` files one after the other, those of archives in the archive's order with
  /// their content, then those on disk in the order wanted and empty: content() reads them, on
  /// any thread. Ends early where `take` says false.
  void visit(std::span<const Index> wanted,
             FunctionRef<bool(Index file, FileContent content)> take) const;
  /// The content of a file, at most `most` bytes.
  std::vector<std::byte> content(Index file, Index most = kMostFileBytes) const;

  /// The parts of a name between slashes.
  static std::vector<std::string> parts(std::string_view name);

  static constexpr Index kMostFileBytes = Index{64} << 20;  ///< of an image file

 private:
  void list_folder(Index source);
  void list_archive(Index source);
  void add(SourceFile file, const std::string& refusal = "");
  bool visit_archive(Index source, std::span<const Index> wanted,
                     FunctionRef<bool(Index file, FileContent content)> take) const;

  std::vector<std::string> sources_;
  std::vector<SourceFile> files_;
  std::vector<std::string> left_out_;
  Index hidden_ = 0;
};

}  // namespace kindred
