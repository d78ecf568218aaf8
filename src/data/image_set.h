#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/shape.h"

namespace kindred {

/// A data set of images about to be written; columns left empty are left out.
struct ImageSet {
  Shape shape;
  std::vector<std::uint8_t> images;  ///< N x shape.size(), samples of a class together
  std::vector<std::int64_t> labels;
  std::vector<std::string> class_names;
  std::vector<std::uint8_t> split;
  std::vector<std::string> paths;
  std::vector<std::int32_t> episode;
  std::vector<std::uint8_t> role;
  Index run = 1;       ///< samples of a class that follow each other: chunks hold whole runs
  std::string source;  ///< where the images come from
};

/// Writes it in the format of datasets/README.md, deflated. Returns the file's size in bytes.
/// Fails with cannot_create or io.
Index write_image_set(const std::string& path, const ImageSet& set, const Workers& workers);

}  // namespace kindred
