#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/batch_norm.h"
#include "nn/packed.h"
#include "nn/registry.h"

namespace kindred {

/// The three primitives of a layer with weights, before they are compiled.
template <typename Forward, typename BackwardData, typename BackwardWeights>
struct WeightedDescs {
  typename Forward::primitive_desc forward;
  std::optional<typename BackwardData::primitive_desc> data;
  std::optional<typename BackwardWeights::primitive_desc> weights;

  /// A `ref` implementation is a plain loop, hundreds of times slower.
  bool has_ref() const {
    const auto is_ref = [](const auto& desc) {
      return std::string(desc.impl_info_str()).starts_with("ref");
    };
    return is_ref(forward) || (data && is_ref(*data)) || (weights && is_ref(*weights));
  }
};

/// What convolution and linear share: weights and bias, plain in the flat arrays and packed in
/// oneDNN's layouts; the norm folded into them for inference; the three primitives; and a copy of
/// src where its layout is not the one they read.
class WeightedLayer : public Layer {
 public:
  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override;
  void pack(std::span<const float> parameters) override;
  void unpack_gradient(const float* row, std::span<float> gradient) override;
  double flops() const override { return flops_; }
  std::string implementation() const override;

 protected:
  WeightedLayer(const FusedSpec& spec, const Source& src, Compiler& compiler);

  std::string owner(const std::string& what) const { return kind() + " '" + name() + "' " + what; }

  /// Claims "NAME.weights" of `shape`, "NAME.bias" where asked, and the folded norm's.
  void claim(std::vector<Index> shape, Index fan_in, bool bias, Compiler& compiler);
  bool has_bias() const { return bias_.size > 0 || norm_.has_value(); }
  TensorDesc bias_desc() const { return has_bias() ? vector_desc(bias_size_) : TensorDesc(); }

  /// Compiles what was chosen; `plain` is the layout of the weights' segment for oneDNN.
  template <typename Forward, typename BackwardData, typename BackwardWeights>
  void compile(const WeightedDescs<Forward, BackwardData, BackwardWeights>& descs,
               const TensorDesc& plain, Compiler& compiler) {
    used_src_ = descs.forward.src_desc();
    used_dst_ = descs.forward.dst_desc();
    forward_ = Primitive::make<Forward>(descs.forward, owner("forward"));
    weights_desc_ = descs.forward.weights_desc();
    weights_ = std::make_unique<PackedWeights>(engine_, plain, weights_desc_, owner("weights"));
    if (descs.data) {
      data_ = Primitive::make<BackwardData>(*descs.data, owner("backward data"));
      data_weights_desc_ = descs.data->weights_desc();
      if (data_weights_desc_ != weights_desc_) {
        data_weights_ =
            std::make_unique<PackedWeights>(engine_, plain, data_weights_desc_, owner("weights"));
      }
    }
    if (descs.weights) {
      backward_weights_ =
          Primitive::make<BackwardWeights>(*descs.weights, owner("backward weights"));
      diff_weights_desc_ = descs.weights->diff_weights_desc();
      unpack_ = std::make_unique<Reorder>(engine_, diff_weights_desc_, plain, owner("gradient"));
      gradient_ = compiler.claim_gradient(floats_of(diff_weights_desc_));
      if (has_bias()) bias_gradient_ = compiler.claim_gradient(bias_size_);
    }
    finish();
    compiler.add_leaf(*this);
  }

  double flops_ = 0;

 private:
  friend class BoundWeighted;
  void finish();

  dnnl::engine engine_;
  const LayerSpec* norm_spec_ = nullptr;  // only while compiling
  ParameterRange weights_range_;
  ParameterRange bias_;
  Index bias_size_ = 0;
  std::optional<NormNumbers> norm_;

  Primitive forward_, data_, backward_weights_;
  Primitive copy_src_, copy_diff_src_;  // where src comes in another layout than is read
  TensorDesc used_src_, used_dst_, weights_desc_, data_weights_desc_, diff_weights_desc_;
  std::unique_ptr<PackedWeights> weights_, data_weights_;
  Buffer<float> packed_bias_;
  Buffer<float> folded_;  // plain weights with the norm folded in
  std::unique_ptr<Reorder> unpack_;
  Index gradient_ = 0;
  Index bias_gradient_ = 0;
};

/// The attribute of a forward primitive: what is fused behind it.
dnnl::primitive_attr fused_attr(const FusedSpec& spec);

}  // namespace kindred
