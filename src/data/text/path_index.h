#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Finds files and samples as lists name them: by the whole path; else by its end ("Ann/1.jpg" of
/// "lfw/Ann/1.jpg"), or the path by the end of the name, where all names have the same folders more
/// ("data/Ann/1.jpg" of "Ann/1.jpg"); else by these without the extension. Spellings of a name that
/// mean the same (name_key()) are one.
class PathIndex {
 public:
  static constexpr Index kMissing = -1;
  static constexpr Index kAmbiguous = -2;

  /// `paths` are not used after the construction.
  explicit PathIndex(std::span<const std::string> paths);

  /// The place of the path among `paths`; a better way of finding it goes before the others.
  Index find(std::string_view name);
  /// As if nothing had been looked for yet.
  void forget() {
    more_.reset();
    guessed_ = false;
  }
  /// Whether one was found by less than its whole path.
  bool guessed() const { return guessed_; }

 private:
  Index find_key(const std::string& key);
  Index find_end(const std::string& key, bool with_extension);

  std::vector<std::string> keys_;
  std::unordered_map<std::string_view, Index> whole_;
  std::vector<Index> by_last_part_;  // sorted
  std::optional<std::string> more_;  // the folders that names have more than paths
  bool guessed_ = false;
};

/// The last part of a path, without its extension.
std::string_view stem(std::string_view path);

}  // namespace kindred
