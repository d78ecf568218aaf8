#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/contract/registry.h"
#include "nn/kernels/bfloat16_gradient.h"
#include "nn/layers/weight_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {

/// The three primitives of a layer with weights, before they are compiled.
struct WeightedDescs {
  dnnl::primitive_desc_base forward;
  std::optional<dnnl::primitive_desc_base> data;
  std::optional<dnnl::primitive_desc_base> weights;

  /// A `ref` implementation is a plain loop, hundreds of times slower.
  bool has_ref() const;
};

/// What convolution and linear share: weights packed in oneDNN's layouts, the three primitives, and
/// copies of src and diff_dst where they come in another layout or type than is read.
class WeightedLayer : public Layer {
 public:
  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override;
  void pack(std::span<const float> parameters) override;
  void unpack_gradient(const float* row, std::span<float> gradient) override;
  bool multiplies() const override { return true; }
  double flops() const override { return flops_; }
  std::string implementation() const override;

 protected:
  WeightedLayer(const FusedSpec& spec, const Source& src, Compiler& compiler);

  std::string owner(const std::string& what) const { return kind() + " '" + name() + "' " + what; }

  TensorDesc bias_desc() const {
    return numbers_.has_bias() ? vector_desc(numbers_.channels()) : TensorDesc();
  }

  /// What describe() makes of the first candidate that oneDNN has and that is no `ref`; else of the
  /// first that it has. Fails with internal where it has none.
  template <typename Candidates, typename Describe>
  WeightedDescs choose_from(const Candidates& candidates, Describe describe) const {
    std::optional<WeightedDescs> last_resort;
    for (const auto& candidate : candidates) {
      try {
        WeightedDescs descs = describe(candidate);
        if (!descs.has_ref()) return descs;
        if (!last_resort) last_resort = std::move(descs);
      } catch (const dnnl::error&) {
        // This oneDNN, or this CPU, does not have it: the next candidate.
      }
    }
    if (last_resort) return *last_resort;
    fail(ErrorKind::internal, owner("forward") + ": oneDNN has no implementation for this shape");
  }

  /// Compiles what was chosen; `plain` is the layout of the weights' segment for oneDNN.
  /// `own_gradient` takes the place of descs.weights.
  void compile(const WeightedDescs& descs, const TensorDesc& plain, Compiler& compiler,
               std::unique_ptr<Bfloat16Gradient> own_gradient = nullptr);

  WeightNumbers numbers_;
  double flops_ = 0;

 private:
  friend class BoundWeighted;

  dnnl::engine engine_;
  Primitive forward_, data_, backward_weights_;
  std::unique_ptr<Bfloat16Gradient> own_gradient_;  // instead of backward_weights_
  Primitive copy_src_, copy_diff_src_;  // where src comes in another layout than is read
  Primitive copy_diff_dst_;             // where diff_dst comes in another type than is read
  TensorDesc used_src_, used_dst_, used_diff_dst_, weights_desc_, data_weights_desc_,
      diff_weights_desc_;
  std::unique_ptr<PackedWeights> weights_, data_weights_;
  std::unique_ptr<Reorder> unpack_;
  Index gradient_ = 0;
  Index bias_gradient_ = 0;
  ActivationPass behind_;  // an activation that oneDNN does not compute
};

/// The attribute of a forward primitive: what is fused behind it. A PReLU is not
/// (compat::has_post_op); WeightedLayer computes it in a pass of its own.
dnnl::primitive_attr fused_attr(const FusedSpec& spec);

}  // namespace kindred
