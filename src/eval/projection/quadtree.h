#pragma once
#include <cstdint>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

struct Point {
  float x = 0;
  float y = 0;
};

/// Points in the plane, sorted so that near ones stand together, and the squares that hold them.
/// Built by one thread; afterwards any number may ask.
class Quadtree {
 public:
  explicit Quadtree(const std::vector<Point>& points);

  /// The repulsion that Student's t kernel q = 1 / (1 + d²) gives at a point: the sum of
  /// q² · (point - other), and of q. A square seen under less than `theta` counts as its middle.
  struct Repulsion {
    float x = 0;
    float y = 0;
    float sum = 0;
  };
  Repulsion repulsion(Index place, float theta) const;

  Index size() const { return static_cast<Index>(points_.size()); }
  /// The number, in the constructor's argument, of the point at `place`.
  Index index(Index place) const {
    return static_cast<Index>(order_[static_cast<std::size_t>(place)] & 0xffffffffU);
  }

 private:
  // Depth first; `skip` is the node after this one's subtree.
  struct Node {
    float x, y;   // mean of its points
    float width;  // of its square
    std::int32_t first, last;
    std::int32_t skip;
    bool leaf;
  };
  void build(std::int32_t first, std::int32_t last, int depth);

  std::vector<std::uint64_t> order_;  // Morton code, then number
  std::vector<Point> points_;         // in that order
  std::vector<Node> nodes_;
  float width_ = 0;
};

}  // namespace kindred
