#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

// What samples are, and how they are asked for: what every part of `data` may speak of.

namespace KINDRED_API kindred {

enum class Element { u8, f32 };  ///< /images hold bytes, /vectors hold floats

/// Which samples of a data set.
enum class Split : std::uint8_t { train = 0, validation = 1, test = 2, all = 255 };

/// How a caller goes through the samples; what it gets is the same.
enum class Reading {
  in_order,  ///< once, onwards: what was read is not wanted again
  random,    ///< again and again, anywhere
};

/// What is known of samples, or of their embeddings, besides themselves: a row each, or empty where
/// absent.
struct SampleColumns {
  std::vector<std::int64_t> labels;      ///< >= 0, below class_names.size() where there are names
  std::vector<std::string> class_names;  ///< by label
  std::vector<std::uint8_t> split;       ///< 0 train, 1 validation, 2 test
  std::vector<std::string> paths;
  std::vector<std::int64_t> groups;
  std::vector<std::int32_t> episode;  ///< >= 0
  std::vector<std::uint8_t> role;     ///< 0 training image, 1 test image

  /// Those of the chosen rows, in their order; class names stay as they are.
  SampleColumns of(std::span<const Index> rows) const;
};

/// What a file of somebody else calls things; what is empty is found (datasets/README.md).
struct DatasetNames {
  std::string images = {};  ///< the data set of images or vectors
  std::string labels = {};  ///< its labels; "NAME:COLUMN" where there are several a sample
  std::string layout = {};  ///< "nhwc" or "nchw", where it is not what it looks like
  /// What becomes of samples whose label is negative: "" (they are refused), "drop" (left out) or
  /// "class" (classes like others). In files of ours, too.
  std::string negative_labels = {};

  bool empty() const { return images.empty() && labels.empty() && layout.empty(); }
};

}  // namespace kindred
