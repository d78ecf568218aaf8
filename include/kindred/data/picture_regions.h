#pragma once
#include <memory>
#include <string>

#include "kindred/core/export.h"
#include "kindred/data/picture_region.h"

namespace KINDRED_API kindred {

/// Boxes or landmarks of pictures, from a list (.csv, .tsv; any dialect) of a path and numbers:
/// x, y, width, height of a box, or x and y of five landmarks in the order of FiveLandmarks. A
/// header may name a box's columns in any order, or its corners: xmin, ymin, xmax, ymax.
class PictureRegions {
 public:
  /// Fails with no_input or data, with the line.
  static PictureRegions read_boxes(const std::string& path);
  static PictureRegions read_landmarks(const std::string& path);
  PictureRegions(PictureRegions&&) noexcept;
  PictureRegions& operator=(PictureRegions&&) noexcept;
  ~PictureRegions();

  /// The list's path.
  const std::string& source() const;
  Index size() const;
  /// By the picture's path, by its end, or without extension, as lists of imports are read; nothing
  /// where the list has none, or several that it may be. Not thread-safe.
  std::optional<PictureRegion> find(const std::string& path);

 private:
  struct Impl;
  explicit PictureRegions(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace kindred
