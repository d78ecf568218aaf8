#pragma once
#include "kindred/core/shape.h"
#include "nn/kernels/bfloat16.h"
#include "nn/kernels/channel_layout.h"
#include "nn/onednn/dnnl_compat.h"

namespace kindred {

using TensorDesc = dnnl::memory::desc;
using FormatTag = dnnl::memory::format_tag;
/// Of a tensor's numbers: kFloat32 or kBfloat16.
using ElementType = dnnl::memory::data_type;
inline constexpr ElementType kFloat32 = ElementType::f32;
inline constexpr ElementType kBfloat16 = ElementType::bf16;

/// [S, C, H, W] in a layout.
TensorDesc tensor(Index S, const Shape& shape, FormatTag tag, ElementType type);
/// The same shape and type in another layout.
TensorDesc with_layout(const TensorDesc& desc, FormatTag tag);
/// The layout of a tensor: nhwc, nChw16c, nChw8c or nchw. Where extents of 1 leave a choice, the
/// first of these. Fails for any other.
FormatTag layout_of(const TensorDesc& desc);
/// Whether it is one of those: oneDNN has more, as blocks of 4 channels.
bool has_known_layout(const TensorDesc& desc);
/// Any tensor of ours with W = H = 1 in the form inner products write: [S, C].
TensorDesc as_matrix(const TensorDesc& desc);
/// C floats.
TensorDesc vector_desc(Index C);
/// True when the numbers lie as in `tag` (extents of 1 make some layouts equal).
bool has_layout(const TensorDesc& desc, FormatTag tag);

inline Index bytes_of(const TensorDesc& desc) { return static_cast<Index>(desc.get_size()); }
inline ElementType type_of(const TensorDesc& desc) { return compat::type_of(desc); }
/// Numbers that are stored, padding included.
inline Index elements_of(const TensorDesc& desc) {
  return bytes_of(desc) / static_cast<Index>(dnnl::memory::data_type_size(type_of(desc)));
}

/// Calls body.template operator()<T>(), T being the type of the tensor's numbers: float or
/// Bfloat16.
template <typename F>
decltype(auto) with_element(const TensorDesc& desc, F&& body) {
  if (type_of(desc) == kBfloat16) return body.template operator()<Bfloat16>();
  return body.template operator()<float>();
}

/// How own loops walk a tensor in one of the layouts of layout_of().
ChannelLayout channel_layout(Index S, const Shape& shape, FormatTag tag);

}  // namespace kindred
