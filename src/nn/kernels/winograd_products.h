#pragma once
#include <algorithm>

#include "kindred/core/index.h"

// The products at Winograd's points: half of the time, at the machine's speed.

namespace kindred::winograd {

// Tiles are kept by panels: [panel, group of 16 channels, tile of the panel, channel]. 14 x 2 of 32
// registers hold the sums of a product, and what it reads lies at constant distances.
inline constexpr Index kPanel = 14;
inline constexpr Index kGroup = kPanel * 16;  // floats of a panel's group

/// `count` tiles of C channels at each point, spread evenly over as few panels as hold them.
struct Tiles {
  float* data;
  Index C;
  Index count;
  Index point_stride;  ///< floats from a point to the next

  /// Floats of up to `panels` panels of C channels at a point. Points are a cache line more apart,
  /// so that they fall into different sets.
  static Index floats(Index C, Index panels) { return panels * C * kPanel + 16; }

  Index panels() const { return (count + kPanel - 1) / kPanel; }
  /// Tiles of a panel; the last may have fewer.
  Index panel_tiles() const { return (count + panels() - 1) / panels(); }
  /// Channels [16 group, 16 group + 16) of a tile at the first point.
  float* at(Index tile, Index group) const {
    const Index each = panel_tiles();
    return data + (tile / each * (C / 16) + group) * kGroup + tile % each * 16;
  }
  float* panel(Index point, Index panel) const {
    return data + point * point_stride + panel * C * kPanel;
  }
  Index used(Index panel) const { return std::min(panel_tiles(), count - panel * panel_tiles()); }
};

/// dst = src times weights at a point; weights are [C, 32] for each 32 channels of dst (the last
/// may be 16).
void multiply_point(const Tiles& src, const float* weights, const Tiles& dst, Index point);

/// sums [channels of src, of diff_dst] += (or =, `first`) src times diff_dst at a point, over
/// tiles.
void add_point(const Tiles& src, const Tiles& diff_dst, Index point, float* sums, bool first);

}  // namespace kindred::winograd
