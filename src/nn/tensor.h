#pragma once
#include <vector>

#include "kindred/core/shape.h"
#include "nn/dnnl_compat.h"

namespace kindred {

using TensorDesc = dnnl::memory::desc;
using FormatTag = dnnl::memory::format_tag;

/// [S, C, H, W] in a layout.
TensorDesc tensor(Index S, const Shape& shape, FormatTag tag);
/// The same shape and type in another layout.
TensorDesc with_layout(const TensorDesc& desc, FormatTag tag);
/// The layout of a tensor: nhwc, nChw16c, nChw8c or nchw. Where extents of 1 leave a choice, the
/// first of these. Fails for any other.
FormatTag layout_of(const TensorDesc& desc);
/// Any tensor of ours with W = H = 1 in the form inner products write: [S, C].
TensorDesc as_matrix(const TensorDesc& desc);
/// C numbers.
TensorDesc vector_desc(Index C);
/// True when the numbers lie as in `tag` (extents of 1 make some layouts equal).
bool has_layout(const TensorDesc& desc, FormatTag tag);

inline Index bytes_of(const TensorDesc& desc) { return static_cast<Index>(desc.get_size()); }
inline Index floats_of(const TensorDesc& desc) {
  return bytes_of(desc) / static_cast<Index>(sizeof(float));
}

/// Channels that lie side by side in memory, as one vector of `lanes` floats.
struct ChannelGroup {
  Index channel = 0;  ///< of the first lane; channels past C are padding and hold zeros
  Index offset = 0;   ///< floats from the start of a sample to the group's first pixel
  int lanes = 1;      ///< 16, 8 or 1
};

/// How own loops walk a tensor: float of (sample, group, pixel, lane) =
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
ChannelLayout channel_layout(Index S, const Shape& shape, FormatTag tag);

}  // namespace kindred
