#include "nn/kernels/channel_layout.h"

#include "kindred/core/index.h"

namespace kindred {

ChannelLayout channel_layout(Index S, const Shape& shape, ChannelOrder order) {
  ChannelLayout layout{S, shape.channels, shape.height, shape.width, 0, 0, {}};
  const Index pixels = layout.pixels();
  const auto add_groups = [&](Index from, Index to, int lanes, Index channel_stride) {
    for (Index c = from; c < to; c += lanes) {
      layout.groups.push_back({c, c * channel_stride, lanes});
    }
  };
  if (order == ChannelOrder::last) {
    layout.pixel_stride = layout.C;
    const Index by_16 = layout.C / 16 * 16;
    const Index by_8 = layout.C / 8 * 8;
    add_groups(0, by_16, 16, 1);
    add_groups(by_16, by_8, 8, 1);
    add_groups(by_8, layout.C, 1, 1);
  } else if (order == ChannelOrder::plain) {
    layout.pixel_stride = 1;
    add_groups(0, layout.C, 1, pixels);
  } else {
    const int lanes = order == ChannelOrder::blocks_of_16 ? 16 : 8;
    layout.C = round_up(layout.C, lanes);
    layout.pixel_stride = lanes;
    add_groups(0, layout.C, lanes, pixels);
  }
  layout.sample_stride = layout.C * pixels;
  return layout;
}

}  // namespace kindred
