#include "data/batches/augment_effects.h"

#include <algorithm>
#include <cmath>

namespace kindred {
namespace {

constexpr Index kRadius = 3;    // pixels that a blur reaches over
constexpr Index kColumns = 64;  // columns blurred together

/// Bytes times brightness, then around the image's mean times contrast.
void adjust_tone(const Effects& effects, const Shape& shape, const InputScaling& scaling,
                 float* pixels) {
  const Index channels = shape.channels;
  const Index count = shape.height * shape.width;
  double mean = 0;  // of the bytes, made brighter
  if (effects.contrast != 1) {
    for (Index c = 0; c < channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      double sum = 0;
      for (Index p = 0; p < count; ++p) sum += static_cast<double>(pixels[p * channels + c]);
      mean += sum / static_cast<double>(count) / static_cast<double>(scaling.scale[i]) +
              static_cast<double>(scaling.mean[i]);
    }
    mean *= static_cast<double>(effects.brightness) / static_cast<double>(channels);
  }
  for (Index c = 0; c < channels; ++c) {
    const float middle = scaling.mean[static_cast<std::size_t>(c)];
    const float scale = scaling.scale[static_cast<std::size_t>(c)];
    // contrast (brightness byte - mean) + mean, written as a map of (byte - middle) scale.
    const float gain = effects.contrast * effects.brightness;
    const auto mean_byte = static_cast<float>(mean);
    const float offset = (gain * middle + (1 - effects.contrast) * mean_byte - middle) * scale;
    const float low = (0 - middle) * scale;
    const float high = (255 - middle) * scale;
    for (Index p = 0; p < count; ++p) {
      float& value = pixels[p * channels + c];
      value = std::min(std::max(gain * value + offset, low), high);
    }
  }
}

/// ITU-R BT.601's luminance in all three channels.
void make_grey(const Shape& shape, const InputScaling& scaling, float* pixels) {
  constexpr float kShare[3] = {0.299F, 0.587F, 0.114F};
  for (Index p = 0; p < shape.height * shape.width; ++p) {
    float* pixel = pixels + 3 * p;
    float luminance = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      luminance += kShare[c] * (pixel[c] / scaling.scale[c] + scaling.mean[c]);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      pixel[c] = (luminance - scaling.mean[c]) * scaling.scale[c];
    }
  }
}

/// Along the rows, edges repeated.
void blur_rows(const Shape& shape, const float (&weight)[kRadius + 1], float* pixels) {
  const Index size = shape.width * shape.channels;
  const Index border = kRadius * shape.channels;
  float row[kWidestBlurredRow + 2 * kRadius * kMostColours];
  for (Index y = 0; y < shape.height; ++y) {
    float* dst = pixels + y * size;
    std::copy_n(dst, size, row + border);
    for (Index i = 0; i < border; ++i) {
      row[i] = dst[i % shape.channels];
      row[border + size + i] = dst[size - shape.channels + i % shape.channels];
    }
    const float* middle = row + border;
    for (Index i = 0; i < size; ++i) {
      float sum = weight[0] * middle[i];
      for (Index d = 1; d <= kRadius; ++d) {
        sum += weight[d] * (middle[i - d * shape.channels] + middle[i + d * shape.channels]);
      }
      dst[i] = sum;
    }
  }
}

/// Along the columns: rows above are kept as they were, rows below still are.
void blur_columns(const Shape& shape, const float (&weight)[kRadius + 1], float* pixels) {
  const Index size = shape.width * shape.channels;
  for (Index first = 0; first < size; first += kColumns) {
    const Index count = std::min(kColumns, size - first);
    float above[kRadius][kColumns];  // row y at y % kRadius
    float here[kColumns];
    for (auto& row : above) std::copy_n(pixels + first, count, row);
    for (Index y = 0; y < shape.height; ++y) {
      float* dst = pixels + y * size + first;
      std::copy_n(dst, count, here);
      const float* below[kRadius];
      for (Index d = 1; d <= kRadius; ++d) {
        const Index row = std::min(y + d, shape.height - 1);
        below[d - 1] = row == y ? here : pixels + row * size + first;
      }
      for (Index i = 0; i < count; ++i) {
        float sum = weight[0] * here[i];
        for (Index d = 1; d <= kRadius; ++d) {
          sum += weight[d] * (above[(y - d + kRadius) % kRadius][i] + below[d - 1][i]);
        }
        dst[i] = sum;
      }
      std::copy_n(here, count, above[y % kRadius]);
    }
  }
}

void blur(const Shape& shape, float sigma, float* pixels) {
  float weight[kRadius + 1];
  float sum = 0;
  for (Index d = 0; d <= kRadius; ++d) {
    const auto distance = static_cast<float>(d) / sigma;
    weight[d] = std::exp(-distance * distance / 2);
    sum += d == 0 ? weight[d] : 2 * weight[d];
  }
  for (float& one : weight) one /= sum;
  blur_rows(shape, weight, pixels);
  blur_columns(shape, weight, pixels);
}

}  // namespace

Effects draw_effects(const AugmentSettings& settings, const Shape& shape, Random& random) {
  const auto about_one = [&](double limit) {
    return static_cast<float>(1 + limit * (2 * static_cast<double>(random.uniform()) - 1));
  };
  Effects effects;
  effects.brightness = about_one(settings.brightness);
  effects.contrast = about_one(settings.contrast);
  effects.grey = static_cast<double>(random.uniform()) < settings.grey;
  effects.sigma = static_cast<float>(settings.blur) * random.uniform();
  if (static_cast<double>(random.uniform()) >= settings.erase) return effects;
  const double area = static_cast<double>(random.uniform(0.02F, 0.33F)) *
                      static_cast<double>(shape.height * shape.width);
  const double tall = std::exp(std::log(3.3) * (2 * static_cast<double>(random.uniform()) - 1));
  const auto side = [](double length, Index most) {
    return std::clamp(static_cast<Index>(std::lround(length)), Index{1}, most);
  };
  effects.erased_height = side(std::sqrt(area * tall), shape.height);
  effects.erased_width = side(std::sqrt(area / tall), shape.width);
  effects.erased_top = random.below(shape.height - effects.erased_height + 1);
  effects.erased_left = random.below(shape.width - effects.erased_width + 1);
  return effects;
}

void apply(const Effects& effects, const Shape& shape, const InputScaling& scaling, float* pixels) {
  if (effects.brightness != 1 || effects.contrast != 1) {
    adjust_tone(effects, shape, scaling, pixels);
  }
  if (effects.grey) make_grey(shape, scaling, pixels);
  if (effects.sigma > 0.1F) blur(shape, effects.sigma, pixels);  // less changes nothing
  for (Index y = 0; y < effects.erased_height; ++y) {
    const Index first = (effects.erased_top + y) * shape.width + effects.erased_left;
    std::fill_n(pixels + first * shape.channels, effects.erased_width * shape.channels, 0.0F);
  }
}

}  // namespace kindred
