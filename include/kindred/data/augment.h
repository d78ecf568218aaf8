#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/random.h"
#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"
#include "kindred/data/dataset.h"

namespace KINDRED_API kindred {

/// How raw values become the network's input, per channel: (value - mean) * scale. Part of the
/// model: what a network was trained with is what it is used with.
struct InputScaling {
  std::vector<float> mean;   ///< [channels], in units of the raw values (bytes: 0 to 255)
  std::vector<float> scale;  ///< [channels]
};

/// Mean and 1 / standard deviation of each channel over `samples` (vectors: 0 and 1, unchanged).
/// `rows_read`, where given, becomes the xxh3 of all that was read for it (vectors: 0).
InputScaling measure_scaling(const Dataset& dataset, std::span<const Index> samples,
                             std::uint64_t* rows_read = nullptr);

struct AugmentSettings {
  double rotate_degrees = 0;  ///< uniform in [-r, r]
  double scale = 0;           ///< factor uniform in [1 - s, 1 + s]
  double shear = 0;           ///< uniform in [-s, s] (tangent)
  double shift = 0;           ///< share of the side, uniform in [-s, s], each axis
  bool flip = false;          ///< mirrored left to right, half of the time
  double crop = 0;  ///< up to this share of the area is cut away; what stays, of a ratio of sides
                    ///< up to 4:3, fills the image (the inception crop of Szegedy et al. 2015)
  double brightness = 0;  ///< bytes times a factor uniform in [1 - b, 1 + b]
  double contrast = 0;    ///< their distance from the image's mean likewise
  double grey = 0;        ///< probability that the three colours become their luminance
  double blur = 0;        ///< Gaussian of a deviation uniform in [0, blur] pixels
  double erase = 0;  ///< probability that a rectangle of 2 to 33 % of the area becomes the mean
                     ///< (Zhong et al. 2017)
};
AugmentSettings read_augment(Section section);

/// Turns raw samples into network input: quarter turns and one random affine map (crop included)
/// sampled bilinearly (outside: the border's background 0), scaling to float, then brightness,
/// contrast, grey, blur and erasing. Vectors are only scaled. const is thread-safe; no allocation
/// in apply().
class Augmenter {
 public:
  Augmenter(const AugmentSettings& settings, const Shape& shape, Element element,
            InputScaling scaling);
  /// One sample, channels-last; dst [shape.size()]. `random` decides the map alone.
  void apply(const std::byte* sample, int turns, Random random, float* dst) const;
  /// Scaling alone, for evaluation.
  void plain(const std::byte* sample, float* dst) const;

 private:
  void move(const std::byte* sample, int turns, Random& random, float* dst) const;

  AugmentSettings settings_;
  Shape shape_;
  Element element_;
  InputScaling scaling_;
};

}  // namespace kindred
