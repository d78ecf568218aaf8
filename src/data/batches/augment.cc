#include "kindred/data/augment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "data/batches/augment_effects.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"

namespace kindred {
namespace {

constexpr Index kMeasuredAtOnce = 256;
constexpr Index kBlock = 64;   // pixels of a row worked on together
constexpr Index kVector = 16;  // and rounded up to this: a few more cost less than a remainder

/// Where an output pixel comes from, both counted from the middle of the image:
/// source = (xx * x + xy * y + x0, yx * x + yy * y + y0), after the shift is taken off (x, y).
struct Affine {
  double xx = 1, xy = 0, yx = 0, yy = 1;
  double x0 = 0, y0 = 0;
  double shift_x = 0, shift_y = 0;
};

/// The image shows a piece of itself: `area` of it, somewhere.
void crop(double most_cut, const Shape& shape, Random& random, Affine& map) {
  const auto uniform = [&] { return static_cast<double>(random.uniform()); };
  const double area = 1 - most_cut * uniform();
  const double wide = std::exp(std::log(4.0 / 3) * (2 * uniform() - 1));
  const double width = std::min(1.0, std::sqrt(area * wide));
  const double height = std::min(1.0, std::sqrt(area / wide));
  map.xx *= width;
  map.xy *= width;
  map.yx *= height;
  map.yy *= height;
  map.x0 = (1 - width) * (uniform() - 0.5) * static_cast<double>(shape.width);
  map.y0 = (1 - height) * (uniform() - 0.5) * static_cast<double>(shape.height);
}

// y counts downwards; angles are counter-clockwise as seen. The image is turned, cropped, mirrored,
// scaled, sheared, rotated and shifted, in this order; the pixels are asked back, in the other.
Affine draw(const AugmentSettings& settings, const Shape& shape, int turns, Random& random) {
  const auto symmetric = [&](double limit) {
    return limit * (2.0 * static_cast<double>(random.uniform()) - 1.0);
  };
  const double angle = symmetric(settings.rotate_degrees) * std::numbers::pi / 180.0;
  const double factor = 1.0 + symmetric(settings.scale);
  const double shear = symmetric(settings.shear);
  Affine map;
  map.shift_x = symmetric(settings.shift) * static_cast<double>(shape.width);
  map.shift_y = symmetric(settings.shift) * static_cast<double>(shape.height);
  const bool mirrored = random.uniform() < 0.5F && settings.flip;
  map.xx = std::cos(angle);
  map.xy = -std::sin(angle);
  map.yx = -map.xy;
  map.yy = map.xx;
  map.xx -= shear * map.yx;
  map.xy -= shear * map.yy;
  const double across = (mirrored ? -1.0 : 1.0) / factor;
  map.xx *= across;
  map.xy *= across;
  map.yx /= factor;
  map.yy /= factor;
  if (settings.crop > 0) crop(settings.crop, shape, random, map);
  for (int turn = 0; turn < turns; ++turn) {
    const Affine last = map;
    map.xx = -last.yx;
    map.xy = -last.yy;
    map.x0 = -last.y0;
    map.yx = last.xx;
    map.yy = last.xy;
    map.y0 = last.x0;
  }
  return map;
}

/// For some pixels of a row: the offsets of the four neighbours in the image and their weights,
/// 0 for neighbours outside of it.
struct Taps {
  std::int32_t offset[4][kBlock];
  float weight[4][kBlock];
};

/// A line of source positions: position i is (x + i * dx, y + i * dy).
struct Line {
  float x, y, dx, dy;
};

// Plain arithmetic without branches: the compiler turns it into vector instructions.
void find_taps(const Line& line, std::int32_t count, std::int32_t width, std::int32_t height,
               Taps& taps) {
  const auto last_x = width - 1;
  const auto last_y = height - 1;
  for (std::int32_t i = 0; i < count; ++i) {
    const auto step = static_cast<float>(i);
    // Beyond one pixel outside nothing changes: all weights are 0 there.
    const float x = std::clamp(line.x + step * line.dx, -1.0F, static_cast<float>(width));
    const float y = std::clamp(line.y + step * line.dy, -1.0F, static_cast<float>(height));
    const std::int32_t left = static_cast<std::int32_t>(x + 1.0F) - 1;  // floor, as x >= -1
    const std::int32_t top = static_cast<std::int32_t>(y + 1.0F) - 1;
    const float right_share = x - static_cast<float>(left);
    const float bottom_share = y - static_cast<float>(top);
    const float left_weight = left >= 0 && left <= last_x ? 1.0F - right_share : 0.0F;
    const float right_weight = left < last_x ? right_share : 0.0F;
    const float top_weight = top >= 0 && top <= last_y ? 1.0F - bottom_share : 0.0F;
    const float bottom_weight = top < last_y ? bottom_share : 0.0F;
    const std::int32_t near_x = std::clamp(left, 0, last_x);
    const std::int32_t far_x = std::min(left + 1, last_x);
    const std::int32_t near_y = std::clamp(top, 0, last_y) * width;
    const std::int32_t far_y = std::min(top + 1, last_y) * width;
    taps.offset[0][i] = near_y + near_x;
    taps.offset[1][i] = near_y + far_x;
    taps.offset[2][i] = far_y + near_x;
    taps.offset[3][i] = far_y + far_x;
    taps.weight[0][i] = top_weight * left_weight;
    taps.weight[1][i] = top_weight * right_weight;
    taps.weight[2][i] = bottom_weight * left_weight;
    taps.weight[3][i] = bottom_weight * right_weight;
  }
}

// dst[i * channels] for one channel of `count` pixels. Bytes are fetched one by one, then converted
// and weighed together.
template <int kChannels>
void blend(const Taps& taps, const std::uint8_t* image, Index channels, Index count, float mean,
           float scale, float* dst) {
  if constexpr (kChannels > 0) channels = kChannels;
  std::int32_t byte[4][kBlock];
  for (int tap = 0; tap < 4; ++tap) {
    for (Index i = 0; i < count; ++i) {
      byte[tap][i] = image[taps.offset[tap][i] * channels];
    }
  }
  for (Index i = 0; i < count; ++i) {
    float value = 0.0F;
    for (int tap = 0; tap < 4; ++tap) {
      value += taps.weight[tap][i] * static_cast<float>(byte[tap][i]);
    }
    dst[i * channels] = (value - mean) * scale;
  }
}

bool moves(const AugmentSettings& settings) {
  return settings.rotate_degrees != 0 || settings.scale != 0 || settings.shear != 0 ||
         settings.shift != 0 || settings.flip || settings.crop != 0;
}

bool has_effects(const AugmentSettings& settings) {
  return settings.brightness != 0 || settings.contrast != 0 || settings.grey != 0 ||
         settings.blur != 0 || settings.erase != 0;
}

}  // namespace

AugmentSettings read_augment(Section section) {
  AugmentSettings settings;
  section.read("rotate_degrees", settings.rotate_degrees, "turned by up to this angle", {0, 180});
  section.read("scale", settings.scale, "size changed by up to this share", {0, 0.9});
  section.read("shear", settings.shear, "sheared sideways by up to this tangent", {0, 2});
  section.read("shift", settings.shift, "moved by up to this share of each side", {0, 1});
  section.read("flip", settings.flip, "mirrored left to right, half of the time");
  section.read("crop", settings.crop, "up to this share of the area is cut away", {0, 0.95});
  section.read("brightness", settings.brightness, "bytes times 1 - this to 1 + this", {0, 1});
  section.read("contrast", settings.contrast, "around the image's mean, likewise", {0, 1});
  section.read("grey", settings.grey, "probability that colours become grey", {0, 1});
  section.read("blur", settings.blur, "blurred by up to so many pixels", {0, 1.5});
  section.read("erase", settings.erase, "probability that a rectangle becomes the mean", {0, 1});
  section.finish();
  return settings;
}

InputScaling measure_scaling(const Dataset& dataset, std::span<const Index> samples,
                             std::uint64_t* rows_read) {
  std::uint64_t unwanted = 0;
  std::uint64_t& digest = rows_read != nullptr ? *rows_read : unwanted;
  digest = 0;
  const Shape& shape = dataset.shape();
  const auto channels = static_cast<std::size_t>(shape.channels);
  InputScaling scaling{std::vector<float>(channels, 0.0F), std::vector<float>(channels, 1.0F)};
  if (dataset.element() != Element::u8 || samples.empty()) return scaling;
  // Sums of bytes and their squares are exact in 64 bits: no order to write down.
  std::vector<std::uint64_t> sum(channels);
  std::vector<std::uint64_t> squares(channels);
  Buffer<std::byte> rows(kMeasuredAtOnce * dataset.sample_bytes());
  const auto sample_bytes = static_cast<std::size_t>(dataset.sample_bytes());
  for (std::size_t first = 0; first < samples.size(); first += kMeasuredAtOnce) {
    const auto part =
        samples.subspan(first, std::min<std::size_t>(kMeasuredAtOnce, samples.size() - first));
    dataset.read(part, rows.data());
    digest = checksum(rows.span().first(part.size() * sample_bytes), digest);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(rows.data());
    const std::size_t pixels = part.size() * static_cast<std::size_t>(shape.height * shape.width);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < pixels; ++i) {
        const std::uint64_t value = bytes[i * channels + c];
        sum[c] += value;
        squares[c] += value * value;
      }
    }
  }
  const double count =
      static_cast<double>(samples.size()) * static_cast<double>(shape.height * shape.width);
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sum[c]) / count;
    const double variance = static_cast<double>(squares[c]) / count - mean * mean;
    scaling.mean[c] = static_cast<float>(mean);
    // A channel that never changes carries nothing: it becomes 0.
    if (variance > 1e-9) scaling.scale[c] = static_cast<float>(1.0 / std::sqrt(variance));
  }
  return scaling;
}

Augmenter::Augmenter(const AugmentSettings& settings, const Shape& shape, Element element,
                     InputScaling scaling)
    : settings_(settings), shape_(shape), element_(element), scaling_(std::move(scaling)) {
  if (element == Element::f32 && (moves(settings) || has_effects(settings))) {
    fail(ErrorKind::recipe,
         "[augment] moves the pixels of images, but the data set holds vectors; "
         "leave the section out");
  }
  if (settings.grey > 0 && shape.channels != 3) {
    fail(ErrorKind::recipe,
         fmt::format("[augment] grey is for images of 3 channels, not of {}", shape.channels));
  }
  if (settings.blur > 0 &&
      (shape.channels > kMostColours || shape.width * shape.channels > kWidestBlurredRow)) {
    fail(
        ErrorKind::recipe,
        fmt::format("[augment] blur is for up to {} channels and rows of up to {} numbers, not for "
                    "{} x {}",
                    kMostColours, kWidestBlurredRow, shape.width, shape.channels));
  }
  const auto channels = static_cast<std::size_t>(shape.channels);
  if (scaling_.mean.size() != channels || scaling_.scale.size() != channels) {
    fail(ErrorKind::data, fmt::format("input scaling is for {} channels, samples have {}",
                                      scaling_.mean.size(), channels));
  }
}

void Augmenter::apply(const std::byte* sample, int turns, Random random, float* dst) const {
  if (element_ == Element::f32 || (turns == 0 && !moves(settings_))) {
    plain(sample, dst);
  } else {
    move(sample, turns, random, dst);
  }
  if (!has_effects(settings_)) return;
  kindred::apply(draw_effects(settings_, shape_, random), shape_, scaling_, dst);
}

void Augmenter::move(const std::byte* sample, int turns, Random& random, float* dst) const {
  assert(turns % 2 == 0 || shape_.width == shape_.height);
  const Affine map = draw(settings_, shape_, turns, random);
  const auto* image = reinterpret_cast<const std::uint8_t*>(sample);
  const double middle_x = static_cast<double>(shape_.width - 1) / 2;
  const double middle_y = static_cast<double>(shape_.height - 1) / 2;
  Taps taps;
  for (Index row = 0; row < shape_.height; ++row) {
    const double y = static_cast<double>(row) - middle_y - map.shift_y;
    for (Index first = 0; first < shape_.width; first += kBlock) {
      const double x = static_cast<double>(first) - middle_x - map.shift_x;
      const Line line{static_cast<float>(middle_x + map.x0 + map.xx * x + map.xy * y),
                      static_cast<float>(middle_y + map.y0 + map.yx * x + map.yy * y),
                      static_cast<float>(map.xx), static_cast<float>(map.yx)};
      const Index count = std::min(kBlock, shape_.width - first);
      find_taps(line, static_cast<std::int32_t>(round_up(count, kVector)),
                static_cast<std::int32_t>(shape_.width), static_cast<std::int32_t>(shape_.height),
                taps);
      float* pixels = dst + (row * shape_.width + first) * shape_.channels;
      if (shape_.channels == 1) {
        blend<1>(taps, image, 1, count, scaling_.mean[0], scaling_.scale[0], pixels);
        continue;
      }
      for (Index c = 0; c < shape_.channels; ++c) {
        const auto i = static_cast<std::size_t>(c);
        blend<0>(taps, image + c, shape_.channels, count, scaling_.mean[i], scaling_.scale[i],
                 pixels + c);
      }
    }
  }
}

void Augmenter::plain(const std::byte* sample, float* dst) const {
  const Index channels = shape_.channels;
  const Index pixels = shape_.height * shape_.width;
  if (element_ == Element::f32) {
    const auto* values = reinterpret_cast<const float*>(sample);
    for (Index c = 0; c < channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      dst[c] = (values[c] - scaling_.mean[i]) * scaling_.scale[i];
    }
    return;
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(sample);
  for (Index c = 0; c < channels; ++c) {
    const float mean = scaling_.mean[static_cast<std::size_t>(c)];
    const float scale = scaling_.scale[static_cast<std::size_t>(c)];
    for (Index i = 0; i < pixels; ++i) {
      dst[i * channels + c] = (static_cast<float>(bytes[i * channels + c]) - mean) * scale;
    }
  }
}

}  // namespace kindred
