#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/index.h"

namespace kindred::serve {

/// A picture's file as it came, and what its sender calls it.
struct PictureFile {
  std::string name;
  std::string_view bytes;
  bool is_kept = false;  ///< wanted with thumbnail and digest
};

/// What became of it.
struct ServedPicture {
  std::string error;             ///< empty where all is well; the rest is empty otherwise
  std::vector<float> embedding;  ///< [D]
  std::string thumbnail;         ///< a JPEG file, of one that is kept
  std::string digest;            ///< likewise
  Index height = 0;
  Index width = 0;
};

/// What handlers ask for embeddings.
class PictureService {
 public:
  virtual ~PictureService() = default;
  /// One for each file, in their order. Thread-safe; waits until all are done. Fails only where the
  /// server itself cannot go on.
  virtual std::vector<ServedPicture> embed(std::span<const PictureFile> files) = 0;
  /// How many pictures wait or are under way.
  virtual Index pending() const = 0;
};

}  // namespace kindred::serve
