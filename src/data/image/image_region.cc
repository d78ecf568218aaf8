#include "data/image/image_region.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr double kMostCoordinate = 1e6;
constexpr int kMostSamples = 8;  // along an edge of a pixel

bool is_near(const PicturePoint& point) {
  return std::abs(point.x) <= kMostCoordinate && std::abs(point.y) <= kMostCoordinate;
}

Image piece_of(const Image& image, const PictureBox& box, const std::string& where) {
  const auto [channels, height, width] = image.shape;
  const bool sane = is_near({box.x, box.y}) && is_near({box.width, box.height});
  const auto inside = [](double at, Index most) {
    return std::clamp(static_cast<Index>(std::llround(at)), Index{0}, most);
  };
  const Index left = sane ? inside(box.x, width) : 0;
  const Index top = sane ? inside(box.y, height) : 0;
  const Index right = sane ? inside(box.x + box.width, width) : 0;
  const Index bottom = sane ? inside(box.y + box.height, height) : 0;
  if (right <= left || bottom <= top) {
    fail(ErrorKind::data,
         fmt::format("{}: its box x {}, y {}, width {}, height {} holds nothing of its {} x {} "
                     "pixels (width x height)",
                     where, box.x, box.y, box.width, box.height, width, height));
  }
  Image piece;
  piece.shape = {.channels = channels, .height = bottom - top, .width = right - left};
  piece.largest = image.largest;
  piece.pixels.reserve(static_cast<std::size_t>(piece.shape.size()));
  for (Index y = top; y < bottom; ++y) {
    const auto row = image.pixels.begin() + ((y * width + left) * channels);
    piece.pixels.insert(piece.pixels.end(), row, row + (right - left) * channels);
  }
  return piece;
}

/// The value between four pixels; 0 beyond the image.
double value_at(const Image& image, double x, double y, Index channel) {
  const Shape& shape = image.shape;
  const double left = std::floor(x);
  const double top = std::floor(y);
  const auto pixel = [&](double column, double row) {
    if (!(column >= 0 && row >= 0 && column < static_cast<double>(shape.width) &&
          row < static_cast<double>(shape.height))) {
      return 0.0;
    }
    const Index at = static_cast<Index>(row) * shape.width + static_cast<Index>(column);
    return static_cast<double>(
        image.pixels[static_cast<std::size_t>(at * shape.channels + channel)]);
  };
  const double over = x - left;
  const double down = y - top;
  return (pixel(left, top) * (1 - over) + pixel(left + 1, top) * over) * (1 - down) +
         (pixel(left, top + 1) * (1 - over) + pixel(left + 1, top + 1) * over) * down;
}

Image face_of(const Image& image, const FiveLandmarks& landmarks, const std::string& where) {
  // From the face to the image: where to look for each of its pixels.
  const auto forward = estimate_similarity(landmarks, kFaceTemplate);
  if (!forward) {
    fail(
        ErrorKind::data,
        fmt::format("{}: its five landmarks tell of no face: they are not finite, or fall together",
                    where));
  }
  const double norm =
      forward->scale_cos * forward->scale_cos + forward->scale_sin * forward->scale_sin;
  const SimilarityTransform turn{forward->scale_cos / norm, -forward->scale_sin / norm, {}};
  // Large faces get smaller by a mean over the pixel's area.
  const int samples = std::clamp(static_cast<int>(std::ceil(1 / std::sqrt(norm))), 1, kMostSamples);
  const Index channels = image.shape.channels;
  Image face;
  face.shape = {.channels = channels, .height = kFaceSide, .width = kFaceSide};
  face.largest = image.largest;
  face.pixels.reserve(static_cast<std::size_t>(face.shape.size()));
  for (Index y = 0; y < kFaceSide; ++y) {
    for (Index x = 0; x < kFaceSide; ++x) {
      std::array<double, 3> sum{};
      for (int i = 0; i < samples * samples; ++i) {
        const double inside_x = (i % samples + 0.5) / samples;
        const double inside_y = (i / samples + 0.5) / samples;  // NOLINT: rows
        const PicturePoint from = turn({static_cast<double>(x) + inside_x - forward->shift.x,
                                        static_cast<double>(y) + inside_y - forward->shift.y});
        for (Index c = 0; c < channels; ++c) {
          sum[static_cast<std::size_t>(c)] += value_at(image, from.x - 0.5, from.y - 0.5, c);
        }
      }
      for (Index c = 0; c < channels; ++c) {
        const double mean = sum[static_cast<std::size_t>(c)] / (samples * samples);
        face.pixels.push_back(static_cast<std::uint8_t>(std::lround(mean)));
      }
    }
  }
  return face;
}

}  // namespace

Image cut_out(const Image& image, const PictureRegion& region, const std::string& where) {
  if (region.landmarks) return face_of(image, *region.landmarks, where);
  return region.box ? piece_of(image, *region.box, where) : image;
}

}  // namespace kindred
