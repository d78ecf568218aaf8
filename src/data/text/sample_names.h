#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Finds samples by path or by the path's stem: "Anna_Lee_0001" of
/// "lfw/Anna_Lee/Anna_Lee_0001.jpg".
class SampleNames {
 public:
  static constexpr Index kMissing = -1;
  static constexpr Index kAmbiguous = -2;

  /// `paths` are not used after the construction.
  explicit SampleNames(const std::vector<std::string>& paths);

  /// The row of the sample; a whole path goes before a stem.
  Index find(const std::string& name) const;

 private:
  std::unordered_map<std::string, Index> rows_;
};

/// The last part of a path, without its extension.
std::string_view stem(std::string_view path);

}  // namespace kindred
