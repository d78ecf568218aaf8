#include "eval/projection/quadtree.h"

#include <algorithm>

namespace kindred {
namespace {

constexpr int kLevels = 16;
constexpr std::int32_t kLeafSize = 8;

// The 16 bits of x in the even places of 32.
std::uint32_t spread(std::uint32_t x) {
  x = (x | (x << 8)) & 0x00ff00ffU;
  x = (x | (x << 4)) & 0x0f0f0f0fU;
  x = (x | (x << 2)) & 0x33333333U;
  return (x | (x << 1)) & 0x55555555U;
}

}  // namespace

Quadtree::Quadtree(const std::vector<Point>& points) {
  Point low = points.front();
  Point high = low;
  for (const Point& point : points) {
    low = {std::min(low.x, point.x), std::min(low.y, point.y)};
    high = {std::max(high.x, point.x), std::max(high.y, point.y)};
  }
  width_ = std::max({high.x - low.x, high.y - low.y, 1e-30F});
  const float scale = 65535.0F / width_;
  order_.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto x = static_cast<std::uint32_t>((points[i].x - low.x) * scale);
    const auto y = static_cast<std::uint32_t>((points[i].y - low.y) * scale);
    const std::uint64_t code = spread(x) | (spread(y) << 1);
    order_.push_back((code << 32) | i);
  }
  std::sort(order_.begin(), order_.end());
  points_.reserve(points.size());
  for (Index i = 0; i < static_cast<Index>(points.size()); ++i) {
    points_.push_back(points[static_cast<std::size_t>(index(i))]);
  }
  nodes_.reserve(points.size());
  build(0, static_cast<std::int32_t>(points.size()), 0);
}

void Quadtree::build(std::int32_t first, std::int32_t last, int depth) {
  const std::size_t number = nodes_.size();
  Node node{};
  node.first = first;
  node.last = last;
  node.width = width_ / static_cast<float>(1 << depth);
  double x = 0;
  double y = 0;
  for (std::int32_t i = first; i < last; ++i) {
    x += points_[static_cast<std::size_t>(i)].x;
    y += points_[static_cast<std::size_t>(i)].y;
  }
  node.x = static_cast<float>(x / (last - first));
  node.y = static_cast<float>(y / (last - first));
  node.leaf = last - first <= kLeafSize || depth == kLevels;
  nodes_.push_back(node);
  if (!node.leaf) {
    const int shift = 32 + 2 * (kLevels - 1 - depth);
    std::int32_t begin = first;
    while (begin < last) {
      const std::uint64_t quarter = order_[static_cast<std::size_t>(begin)] >> shift;
      std::int32_t end = begin + 1;
      while (end < last && order_[static_cast<std::size_t>(end)] >> shift == quarter) ++end;
      build(begin, end, depth + 1);
      begin = end;
    }
  }
  nodes_[number].skip = static_cast<std::int32_t>(nodes_.size());
}

Quadtree::Repulsion Quadtree::repulsion(Index place, float theta) const {
  const Point own = points_[static_cast<std::size_t>(place)];
  const float theta_squared = theta * theta;
  Repulsion total;
  const auto add = [&](float x, float y, float weight) {
    const float q = 1 / (1 + x * x + y * y);
    const float push = weight * q * q;
    total.x += push * x;
    total.y += push * y;
    total.sum += weight * q;
  };
  for (std::size_t i = 0; i < nodes_.size();) {
    const Node& node = nodes_[i];
    const float x = own.x - node.x;
    const float y = own.y - node.y;
    const bool inside = place >= node.first && place < node.last;
    if (!inside && node.width * node.width < theta_squared * (x * x + y * y)) {
      add(x, y, static_cast<float>(node.last - node.first));
      i = static_cast<std::size_t>(node.skip);
    } else if (node.leaf) {
      for (std::int32_t j = node.first; j < node.last; ++j) {
        if (j == place) continue;
        const Point& other = points_[static_cast<std::size_t>(j)];
        add(own.x - other.x, own.y - other.y, 1);
      }
      i = static_cast<std::size_t>(node.skip);
    } else {
      ++i;
    }
  }
  return total;
}

}  // namespace kindred
