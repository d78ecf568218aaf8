#pragma once
#include <span>
#include <vector>

#include "kindred/core/recipe.h"
#include "kindred/nn/layer_spec.h"
#include "nn/contract/compiler.h"

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

  /// Moves the running statistics by one step of momentum towards the mean over slices, in their
  /// order; mean and biased variance of `count` numbers lie at these places of each slice's
  /// statistics. The variance that runs is the unbiased one, as in PyTorch.
  void update_running(std::span<const std::span<const float>> slices, Index mean, Index variance,
                      double count) const;

  ParameterRange scale;
  ParameterRange shift;
  StateNumbers running_mean;
  StateNumbers running_variance;
  BatchNormSettings settings;
};

/// Folds a batch norm with running statistics into the weights before it, in double:
/// channel c of `weights` (channels x size / channels) is scaled, `bias` becomes what is added.
void fold(const NormNumbers& norm, std::span<const float> parameters, std::span<float> weights,
          std::span<float> bias);

}  // namespace kindred
