#include "nn/onednn/tensor.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/error.h"

namespace kindred {

TensorDesc tensor(Index S, const Shape& shape, FormatTag tag, ElementType type) {
  return {{S, shape.channels, shape.height, shape.width}, type, tag};
}

TensorDesc with_layout(const TensorDesc& desc, FormatTag tag) {
  return {compat::dims_of(desc), type_of(desc), tag};
}

namespace {

constexpr FormatTag kKnownLayouts[] = {FormatTag::nhwc, FormatTag::nChw16c, FormatTag::nChw8c,
                                       FormatTag::nchw};

}  // namespace

bool has_known_layout(const TensorDesc& desc) {
  return std::ranges::any_of(kKnownLayouts, [&](FormatTag tag) { return has_layout(desc, tag); });
}

FormatTag layout_of(const TensorDesc& desc) {
  for (const FormatTag tag : kKnownLayouts) {
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
  switch (tag) {
    case FormatTag::nhwc: return channel_layout(S, shape, ChannelOrder::last);
    case FormatTag::nchw: return channel_layout(S, shape, ChannelOrder::plain);
    case FormatTag::nChw16c: return channel_layout(S, shape, ChannelOrder::blocks_of_16);
    default: return channel_layout(S, shape, ChannelOrder::blocks_of_8);
  }
}

}  // namespace kindred
