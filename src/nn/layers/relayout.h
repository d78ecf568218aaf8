#pragma once
#include <string>

#include "nn/contract/layer.h"
#include "nn/onednn/primitive.h"
#include "nn/onednn/tensor.h"

namespace kindred {

/// Copies a tensor into another layout, and its diff back: what flatten is, and what stands where
/// two layers do not agree on a layout.
class Relayout final : public Layer {
 public:
  /// `copied` is src's shape laid out in memory as dst, which may have another shape.
  Relayout(std::string name, std::string kind, const dnnl::engine& engine, const Shape& src_shape,
           const TensorDesc& src, const TensorDesc& copied, const Shape& dst_shape,
           const TensorDesc& dst);
  std::unique_ptr<BoundLayer> bind() const override;
  Index scratch_bytes() const override;
  std::string implementation() const override { return forward_.implementation; }

 private:
  friend class BoundRelayout;
  dnnl::engine engine_;
  TensorDesc copied_;
  Primitive forward_;
  Primitive backward_;
};

}  // namespace kindred
