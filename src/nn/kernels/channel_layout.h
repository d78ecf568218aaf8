#pragma once
#include <vector>

#include "kindred/core/shape.h"

namespace kindred {

/// Where a tensor's channels lie.
enum class ChannelOrder {
  plain,         ///< [C, H, W]
  last,          ///< [H, W, C]
  blocks_of_8,   ///< [C / 8, H, W, 8]
  blocks_of_16,  ///< [C / 16, H, W, 16]
};

/// Channels that lie side by side in memory, as one vector of `lanes` numbers.
struct ChannelGroup {
  Index channel = 0;  ///< of the first lane; channels past C are padding and hold zeros
  Index offset = 0;   ///< numbers from the start of a sample to the group's first pixel
  int lanes = 1;      ///< 16, 8 or 1
};

/// How own loops walk a tensor: the place of (sample, group, pixel, lane) =
/// sample * sample_stride + group.offset + pixel * pixel_stride + lane.
/// Covers every layout that occurs: plain [C, H, W], channels-last and blocks of 8 or 16 channels.
struct ChannelLayout {
  Index S = 0;
  Index C = 0;  ///< channels stored, padding included: what per-channel arrays need
  Index H = 1;
  Index W = 1;
  Index sample_stride = 0;
  Index pixel_stride = 0;
  std::vector<ChannelGroup> groups;

  Index pixels() const { return H * W; }
};
ChannelLayout channel_layout(Index S, const Shape& shape, ChannelOrder order);

}  // namespace kindred
