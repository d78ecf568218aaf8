#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/contract/fuse.h"
#include "nn/layers/activation_numbers.h"
#include "nn/layers/batch_norm.h"

namespace kindred {

/// The weights and bias that a layer owns in the flat array, "NAME.weights" and "NAME.bias", and
/// for inference the batch norm that is folded into them and the activation behind.
class WeightNumbers {
 public:
  /// `shape` begins with the output channels.
  void claim(const FusedSpec& spec, std::vector<Index> shape, Index fan_in, bool bias,
             Compiler& compiler);

  const ParameterRange& weights() const { return weights_; }
  /// A folded norm adds something too.
  bool has_bias() const { return bias_.size > 0 || norm_.has_value(); }
  Index channels() const { return channels_; }
  Activation activation() const { return activation_.activation(); }

  /// Reads the parameters; returns the weights to compute with, in the segment's order.
  const float* prepare(std::span<const float> parameters);
  /// What is added to each channel, [channels]; nullptr without.
  const float* bias() const { return has_bias() ? prepared_bias_.data() : nullptr; }
  void unpack_bias(const float* row, std::span<float> gradient) const;

 private:
  ParameterRange weights_;
  ParameterRange bias_;
  Index channels_ = 0;
  std::optional<NormNumbers> norm_;
  ActivationNumbers activation_;
  Buffer<float> prepared_bias_;
  Buffer<float> folded_;  // weights with the norm folded in
};

}  // namespace kindred
