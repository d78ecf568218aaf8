#pragma once
#include "kindred/core/random.h"
#include "kindred/data/augment.h"

/// What augmentation does to an image's values, after its pixels have moved. Images are the
/// network's input: `pixels` [H, W, C], (byte - mean) * scale.
namespace kindred {

constexpr Index kMostColours = 4;
constexpr Index kWidestBlurredRow = 4096;  // numbers

/// What the random numbers of a sample ask for.
struct Effects {
  float brightness = 1;  ///< factor of the bytes
  float contrast = 1;    ///< factor of their distance from the image's mean byte
  bool grey = false;     ///< the three colours become their luminance
  float sigma = 0;       ///< of a Gaussian blur, pixels
  Index erased_top = 0, erased_left = 0, erased_height = 0, erased_width = 0;
};
Effects draw_effects(const AugmentSettings& settings, const Shape& shape, Random& random);

/// In this order: brightness, contrast (both end at 0 and 255), grey, blur, erasing.
void apply(const Effects& effects, const Shape& shape, const InputScaling& scaling, float* pixels);

}  // namespace kindred
