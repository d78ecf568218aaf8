#pragma once
#include <span>
#include <vector>

#include "kindred/core/recipe.h"
#include "nn/compiler.h"

namespace kindred {

struct BatchNormSettings {
  double momentum = 0.1;
  double epsilon = 1e-5;

  template <typename Reader>
  void read(Reader& reader) {
    reader("momentum", momentum, "share of a step's statistics in the running ones", Range{0, 1});
    reader("epsilon", epsilon, "added to the variance", Range{1e-10, 1});
  }
};

/// What a batch norm owns: by name "NAME.scale", "NAME.shift", "NAME.running_mean" and
/// "NAME.running_variance".
struct NormNumbers {
  NormNumbers(const LayerSpec& norm, Index channels, Compiler& compiler);

  ParameterRange scale;
  ParameterRange shift;
  std::span<float> running_mean;
  std::span<float> running_variance;
  BatchNormSettings settings;
};

/// Folds a batch norm with running statistics into the weights before it, in double:
/// channel c of `weights` (channels x size / channels) is scaled, `bias` becomes what is added.
void fold(const NormNumbers& norm, std::span<const float> parameters, std::span<float> weights,
          std::span<float> bias);

}  // namespace kindred
