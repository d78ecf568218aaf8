#pragma once
#include <span>

#include "kindred/core/recipe.h"
#include "kindred/nn/layer_spec.h"
#include "nn/channels/prelu_kernels.h"
#include "nn/contract/compiler.h"
#include "nn/contract/layer.h"

namespace kindred {

struct PreluSettings {
  double slope = 0.25;

  template <typename Reader>
  void read(Reader& reader) {
    reader("slope", slope, "of negative numbers, before training", Range{-10, 10});
  }
};

/// An activation that a layer computes, with what it owns: a PReLU's slopes, "NAME.slope" [C].
class ActivationNumbers {
 public:
  ActivationNumbers() = default;
  /// `spec`: the activation's, or nullptr where there is none.
  ActivationNumbers(const LayerSpec* spec, Index channels, Compiler& compiler);

  /// What kernels take; its slopes are zeros up to the end of any layout's padding.
  Activation activation() const { return activation_; }
  bool has_slopes() const { return slopes_.size() > 0; }
  /// Of the gradient row; 0 where nothing is trained.
  Index gradient_floats() const { return slopes_.size(); }

  void pack(std::span<const float> parameters);
  void unpack_gradient(const float* row, std::span<float> gradient) const;

 private:
  Activation activation_;
  ParameterRange range_;
  Buffer<float> slopes_;
};

/// f of a whole tensor in a pass of its own, where no loops compute it as they write.
class ActivationPass {
 public:
  ActivationPass() = default;
  ActivationPass(const Activation& activation, Index S, const Shape& shape, const TensorDesc& desc);

  const PreluPlan& prelu() const { return prelu_; }
  Index size() const { return size_; }

  /// y = f(x), numbers of type T; y may be x. Nothing happens where there is no activation.
  template <typename T>
  void run(const Layer& layer, const T* x, T* y, const LayerPass& run) const;
  /// In place, numbers of the tensor's type.
  void run(const Layer& layer, void* tensor, const LayerPass& run) const;

 private:
  Activation activation_;
  PreluPlan prelu_;
  Index size_ = 0;
  bool is_bfloat16_ = false;
};

}  // namespace kindred
