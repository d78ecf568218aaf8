#pragma once
#include <algorithm>

#include "core/kernels.h"
#include "kindred/core/index.h"

// The products at Winograd's points: half of the time, at the machine's speed.

namespace kindred::winograd {

/// Channels of a group: a register's, from v3 on.
inline constexpr Index kLanes = vector_floats(kLevel);
// Tiles are kept by panels: [panel, group of channels, tile of the panel, channel]. 14 x 2 of 32
// registers, or 6 x 2 of 16, hold the sums of a product, and what it reads lies at constant
// distances.
inline constexpr Index kPanel = kLevel >= Isa::v4 ? 14 : 6;
inline constexpr Index kGroup = kPanel * kLanes;  // floats of a panel's group

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
  /// A group's channels of a tile at the first point.
  float* at(Index tile, Index group) const {
    const Index each = panel_tiles();
    return data + (tile / each * (C / kLanes) + group) * kGroup + tile % each * kLanes;
  }
  float* panel(Index point, Index panel) const {
    return data + point * point_stride + panel * C * kPanel;
  }
  Index used(Index panel) const { return std::min(panel_tiles(), count - panel * panel_tiles()); }
};

/// dst = src times weights at a point; weights are [C, 2 groups] for each 2 groups of dst (the
/// last may be one).
void multiply_point(const Tiles& src, const float* weights, const Tiles& dst, Index point);

/// sums [channels of src, of diff_dst] += (or =, `first`) src times diff_dst at a point, over
/// tiles.
void add_point(const Tiles& src, const Tiles& diff_dst, Index point, float* sums, bool first);

}  // namespace kindred::winograd
