#include <algorithm>
#include <cmath>

#include "data/image/image.h"

namespace kindred {
namespace {

constexpr std::int32_t kScale = 1 << 12;  // of the weights that enlarge

/// What the output pixels along one axis take of the source pixels: pixel i takes `counts[i]` of
/// them from `first[i]` on, by weights that add up to `total`.
struct Axis {
  std::vector<Index> first;
  std::vector<Index> counts;
  std::vector<std::int32_t> weights;  ///< `stride` a pixel
  Index stride = 0;
  std::int64_t total = 1;
};

// In units where a source pixel is `to` long and an output pixel is `from` long.
Axis smaller(Index from, Index to) {
  Axis axis;
  axis.total = from;
  axis.stride = blocks_of(from, to) + 1;
  axis.weights.resize(static_cast<std::size_t>(to * axis.stride));
  for (Index i = 0; i < to; ++i) {
    const Index begin = i * from;
    const Index end = begin + from;
    axis.first.push_back(begin / to);
    Index count = 0;
    for (Index j = begin / to; j * to < end; ++j) {
      axis.weights[static_cast<std::size_t>(i * axis.stride + count++)] =
          static_cast<std::int32_t>(std::min(end, (j + 1) * to) - std::max(begin, j * to));
    }
    axis.counts.push_back(count);
  }
  return axis;
}

// Keys' kernel with a = -1/2 (Catmull-Rom), or a triangle.
double kernel(double x, Enlarge enlarge) {
  const double d = std::abs(x);
  if (enlarge == Enlarge::bilinear) return std::max(0.0, 1 - d);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

Axis larger(Index from, Index to, Enlarge enlarge) {
  const Index reach = enlarge == Enlarge::bilinear ? 1 : 2;
  Axis axis;
  axis.total = kScale;
  axis.stride = 2 * reach;
  axis.weights.resize(static_cast<std::size_t>(to * axis.stride));
  for (Index i = 0; i < to; ++i) {
    const double center =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const auto left = static_cast<Index>(std::floor(center)) - reach + 1;
    const Index low = std::clamp<Index>(left, 0, from - 1);
    const Index high = std::clamp<Index>(left + 2 * reach - 1, 0, from - 1);
    std::int32_t* weights = axis.weights.data() + i * axis.stride;
    std::int32_t sum = 0;
    for (Index j = left; j < left + 2 * reach; ++j) {
      const auto weight = static_cast<std::int32_t>(
          std::lround(kScale * kernel(center - static_cast<double>(j), enlarge)));
      weights[std::clamp(j, low, high) - low] += weight;
      sum += weight;
    }
    std::int32_t* most = std::max_element(weights, weights + (high - low + 1));
    *most += kScale - sum;  // what rounding took or gave
    axis.first.push_back(low);
    axis.counts.push_back(high - low + 1);
  }
  return axis;
}

Axis axis_of(Index from, Index to, Enlarge enlarge) {
  return to > from ? larger(from, to, enlarge) : smaller(from, to);
}

// One line of sums along x: [width, channels].
void sum_line(const std::uint8_t* line, Index channels, const Axis& columns, std::int32_t* sums) {
  const auto width = static_cast<Index>(columns.first.size());
  for (Index x = 0; x < width; ++x) {
    const auto i = static_cast<std::size_t>(x);
    const std::int32_t* weights = columns.weights.data() + x * columns.stride;
    for (Index c = 0; c < channels; ++c) {
      const std::uint8_t* pixel = line + columns.first[i] * channels + c;
      std::int32_t sum = 0;
      for (Index j = 0; j < columns.counts[i]; ++j) sum += weights[j] * pixel[j * channels];
      *sums++ = sum;
    }
  }
}

}  // namespace

Image resize(const Image& image, Index height, Index width, Enlarge enlarge) {
  const Shape& from = image.shape;
  if (from.height == height && from.width == width) return image;
  const Axis rows = axis_of(from.height, height, enlarge);
  const Axis columns = axis_of(from.width, width, enlarge);
  const std::int64_t total = rows.total * columns.total;
  Image result{{.channels = from.channels, .height = height, .width = width}, {}};
  result.pixels.reserve(static_cast<std::size_t>(result.shape.size()));
  const Index line = width * from.channels;
  // Lines are summed along x once, as the output comes to them; neighbours share a few.
  std::vector<std::int32_t> sums(static_cast<std::size_t>(rows.stride * line));
  std::vector<Index> held(static_cast<std::size_t>(rows.stride), -1);
  std::vector<std::int64_t> totals(static_cast<std::size_t>(line));
  for (Index y = 0; y < height; ++y) {
    std::fill(totals.begin(), totals.end(), 0);
    for (Index j = 0; j < rows.counts[static_cast<std::size_t>(y)]; ++j) {
      const Index row = rows.first[static_cast<std::size_t>(y)] + j;
      const Index slot = row % rows.stride;
      std::int32_t* const own = sums.data() + slot * line;
      if (held[static_cast<std::size_t>(slot)] != row) {
        sum_line(image.pixels.data() + row * from.width * from.channels, from.channels, columns,
                 own);
        held[static_cast<std::size_t>(slot)] = row;
      }
      const std::int64_t weight = rows.weights[static_cast<std::size_t>(y * rows.stride + j)];
      for (Index i = 0; i < line; ++i) totals[static_cast<std::size_t>(i)] += weight * own[i];
    }
    for (const std::int64_t sum : totals) {
      const std::int64_t value = (2 * sum + total) / (2 * total);
      result.pixels.push_back(
          static_cast<std::uint8_t>(std::clamp<std::int64_t>(sum < 0 ? 0 : value, 0, 255)));
    }
  }
  return result;
}

Image crop_center(const Image& image, Index height, Index width) {
  const Shape& from = image.shape;
  height = std::min(height, from.height);
  width = std::min(width, from.width);
  if (height == from.height && width == from.width) return image;
  Image result{{.channels = from.channels, .height = height, .width = width}, {}};
  const Index top = (from.height - height) / 2;
  const Index left = (from.width - width) / 2;
  for (Index y = 0; y < height; ++y) {
    const auto begin = image.pixels.begin() + ((top + y) * from.width + left) * from.channels;
    result.pixels.insert(result.pixels.end(), begin, begin + width * from.channels);
  }
  return result;
}

}  // namespace kindred
