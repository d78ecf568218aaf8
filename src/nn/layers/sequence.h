#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nn/contract/registry.h"

namespace kindred {

/// Layers one after the other: the whole network, and the branches of a residual block.
///
/// Training keeps what is between the layers until backward, in the slice; the diffs between them
/// go to and fro between two buffers of the worker's scratch. Inference goes to and fro as well.
class Sequence final : public Layer {
 public:
  /// An empty one: dst is src.
  Sequence(std::string name, const Source& src, const Compiler& compiler);

  /// Compiles and appends layers.
  void append(std::span<const FusedSpec> pieces, Compiler& compiler);
  /// Appends a layer that is compiled already, for this one's dst.
  void append(std::unique_ptr<Layer> layer);
  /// Appends a copy into another layout or type, where dst is not that.
  void convert(const TensorDesc& desc, const Compiler& compiler);

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return first_trainable_ < layers_.size(); }
  bool keeps_dst() const override { return !layers_.empty() && layers_.back()->keeps_dst(); }
  Index scratch_bytes() const override;
  double flops() const override;
  std::vector<Layer*> children() const override;

 private:
  friend class BoundSequence;
  /// Layer i (> 0) writes over what the layer before it wrote.
  bool overwrites(std::size_t i) const;
  Index diff_bytes() const;

  std::vector<std::unique_ptr<Layer>> layers_;
  std::size_t first_trainable_ = 0;  // number of layers when none is
  bool training_;
  bool wants_diff_;  // of src
};

}  // namespace kindred
