#pragma once
#include <cmath>
#include <cstddef>
#include <span>

namespace kindred {

/// A batch norm that has been trained: all are [channels].
struct TrainedNorm {
  std::span<const float> scale;
  std::span<const float> shift;
  std::span<const float> running_mean;
  std::span<const float> running_variance;
  double epsilon = 1e-5;
};

/// Folds a batch norm with running statistics into the weights before it, in double:
/// channel c of `weights` (channels x size / channels) is scaled, `bias` becomes what is added.
inline void fold(const TrainedNorm& norm, std::span<float> weights, std::span<float> bias) {
  const std::size_t per_channel = weights.size() / bias.size();
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const double variance = static_cast<double>(norm.running_variance[c]) + norm.epsilon;
    const double factor = static_cast<double>(norm.scale[c]) / std::sqrt(variance);
    const double centred = static_cast<double>(bias[c]) - static_cast<double>(norm.running_mean[c]);
    bias[c] = static_cast<float>(centred * factor + static_cast<double>(norm.shift[c]));
    for (std::size_t i = 0; i < per_channel; ++i) {
      float& weight = weights[c * per_channel + i];
      weight = static_cast<float>(static_cast<double>(weight) * factor);
    }
  }
}

}  // namespace kindred
