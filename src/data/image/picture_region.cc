#include "kindred/data/picture_region.h"

#include <algorithm>
#include <cmath>

namespace kindred {
namespace {

constexpr double kMostPosition = 1e6;  // pixels

bool is_sane(const PicturePoint& point) {
  return std::abs(point.x) <= kMostPosition && std::abs(point.y) <= kMostPosition;
}

PicturePoint center_of(const FiveLandmarks& points) {
  PicturePoint sum;
  for (const PicturePoint& point : points) {
    sum.x += point.x / 5;
    sum.y += point.y / 5;
  }
  return sum;
}

}  // namespace

const FiveLandmarks kFaceTemplate{{{38.2946, 51.6963},
                                   {73.5318, 51.5014},
                                   {56.0252, 71.7366},
                                   {41.5493, 92.3655},
                                   {70.7299, 92.2041}}};

std::optional<SimilarityTransform> estimate_similarity(const FiveLandmarks& source,
                                                       const FiveLandmarks& target) {
  if (!std::ranges::all_of(source, is_sane) || !std::ranges::all_of(target, is_sane)) {
    return std::nullopt;
  }
  const PicturePoint from = center_of(source);
  const PicturePoint to = center_of(target);
  double spread = 0;
  double along = 0;  // as complex numbers, the sum of conj(source) · target
  double across = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const PicturePoint a{source[i].x - from.x, source[i].y - from.y};
    const PicturePoint b{target[i].x - to.x, target[i].y - to.y};
    spread += a.x * a.x + a.y * a.y;
    along += a.x * b.x + a.y * b.y;
    across += a.x * b.y - a.y * b.x;
  }
  constexpr double kNothing = 1e-6;  // pixels, squared
  if (!(spread > kNothing)) return std::nullopt;
  SimilarityTransform result{along / spread, across / spread, {}};
  const double scale = std::hypot(result.scale_cos, result.scale_sin);
  if (!(scale > 1e-4 && scale < 1e4)) return std::nullopt;
  const PicturePoint moved = result(from);
  result.shift = {to.x - moved.x, to.y - moved.y};
  return result;
}

}  // namespace kindred
