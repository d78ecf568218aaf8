#include "nn/tensor.h"

#include <fmt/format.h>

#include "kindred/core/error.h"

namespace kindred {

TensorDesc tensor(Index S, const Shape& shape, FormatTag tag, ElementType type) {
  return {{S, shape.channels, shape.height, shape.width}, type, tag};
}

TensorDesc with_layout(const TensorDesc& desc, FormatTag tag) {
  return {compat::dims_of(desc), type_of(desc), tag};
}

FormatTag layout_of(const TensorDesc& desc) {
  for (const FormatTag tag :
       {FormatTag::nhwc, FormatTag::nChw16c, FormatTag::nChw8c, FormatTag::nchw}) {
    if (has_layout(desc, tag)) return tag;
  }
  const auto dims = compat::dims_of(desc);
  fail(ErrorKind::internal,
       fmt::format("a tensor of {} channels, {} x {}, has a layout that own loops do not know",
                   dims[1], dims[2], dims[3]));
}

TensorDesc as_matrix(const TensorDesc& desc) {
  const auto dims = compat::dims_of(desc);
  return {{dims[0], dims[1]}, type_of(desc), FormatTag::nc};
}

TensorDesc vector_desc(Index C) { return {{C}, kFloat32, FormatTag::a}; }

bool has_layout(const TensorDesc& desc, FormatTag tag) { return desc == with_layout(desc, tag); }

ChannelLayout channel_layout(Index S, const Shape& shape, FormatTag tag) {
  ChannelLayout layout{S, shape.channels, shape.height, shape.width, 0, 0, {}};
  const Index pixels = layout.pixels();
  const auto add_groups = [&](Index from, Index to, int lanes, Index channel_stride) {
    for (Index c = from; c < to; c += lanes) {
      layout.groups.push_back({c, c * channel_stride, lanes});
    }
  };
  if (tag == FormatTag::nhwc) {
    layout.pixel_stride = layout.C;
    const Index by_16 = layout.C / 16 * 16;
    const Index by_8 = layout.C / 8 * 8;
    add_groups(0, by_16, 16, 1);
    add_groups(by_16, by_8, 8, 1);
    add_groups(by_8, layout.C, 1, 1);
  } else if (tag == FormatTag::nchw) {
    layout.pixel_stride = 1;
    add_groups(0, layout.C, 1, pixels);
  } else {
    const int lanes = tag == FormatTag::nChw16c ? 16 : 8;
    layout.C = round_up(layout.C, lanes);
    layout.pixel_stride = lanes;
    add_groups(0, layout.C, lanes, pixels);
  }
  layout.sample_stride = layout.C * pixels;
  return layout;
}

}  // namespace kindred
