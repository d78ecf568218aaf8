#include "nn/layers/weight_numbers.h"

#include <algorithm>

namespace kindred {

void WeightNumbers::claim(const FusedSpec& spec, std::vector<Index> shape, Index fan_in, bool bias,
                          Compiler& compiler) {
  channels_ = shape[0];
  weights_ = compiler.parameter(spec.name() + ".weights", std::move(shape), true, {fan_in, 0.0F});
  if (bias) bias_ = compiler.parameter(spec.name() + ".bias", {channels_}, false, {0, 0.0F});
  if (spec.norm != nullptr) {
    norm_.emplace(*spec.norm, channels_, compiler);
    folded_ = Buffer<float>(weights_.size);
  }
  activation_ = ActivationNumbers(spec.nonlinear, channels_, compiler);
  if (has_bias()) prepared_bias_ = Buffer<float>(channels_);
}

const float* WeightNumbers::prepare(std::span<const float> parameters) {
  activation_.pack(parameters);
  if (bias_.size > 0) std::ranges::copy(bias_.of(parameters), prepared_bias_.data());
  if (!norm_) return weights_.of(parameters).data();
  if (bias_.size == 0) prepared_bias_.fill(0.0F);
  std::ranges::copy(weights_.of(parameters), folded_.data());
  fold(*norm_, parameters, folded_.span(), prepared_bias_.span());
  return folded_.data();
}

void WeightNumbers::unpack_bias(const float* row, std::span<float> gradient) const {
  if (bias_.size > 0) std::copy_n(row, bias_.size, bias_.of(gradient).data());
}

}  // namespace kindred
