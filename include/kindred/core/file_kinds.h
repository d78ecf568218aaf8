#pragma once
#include <string>
#include <string_view>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// What an output is. It takes the place of an empty file, or of one that is such itself: what
/// somebody else put there by that name stays.
struct FileKind {
  std::string_view name;  ///< for messages: "a PNG picture"
  /// Of a regular file that is not empty. Fails where it cannot be read.
  bool (*is)(const std::string& path);
};

/// By how they begin.
extern const FileKind kJsonFile;
extern const FileKind kPngFile;
extern const FileKind kHtmlFile;
extern const FileKind kSvgFile;

}  // namespace kindred
