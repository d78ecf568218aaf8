#pragma once
#include <string>
#include <vector>

#include "kindred/nn/layer_spec.h"
#include "kindred/nn/pass.h"
#include "nn/kernels/activation.h"

namespace kindred {

/// A layer to be compiled, with the neighbours that are computed together with it.
struct FusedSpec {
  const LayerSpec* layer = nullptr;
  const LayerSpec* norm = nullptr;     ///< convolution, linear: batch norm folded into the weights
  const LayerSpec* flatten = nullptr;  ///< linear: takes the image itself
  const LayerSpec* nonlinear = nullptr;  ///< convolution, linear, norm: an activation
  const LayerSpec* pool = nullptr;       ///< norm: 2x2 max pool
  bool to_float32 = false;               ///< linear: dst is float32 whatever src is
  bool sum = false;  ///< convolution: adds to what dst holds, then the activation

  std::string name() const { return layer->name; }
  Activation activation() const;
  /// "batch_norm + relu + max_pool"
  std::string kind() const;
};

/// Largest of 2x2 pixels, every other pixel, nothing at the edges.
bool is_2x2_max_pool(const LayerSpec& spec);

/// What a layer of this kind is where it can be computed with the one before it; else none. The
/// slopes of a PReLU belong to the layer that computes it (layers/activation_numbers.h).
Activation activation_of(const LayerSpec& spec);

/// Cuts a chain of layers into pieces that are compiled as one each. Inference: dropout vanishes,
/// batch norm folds into the convolution or linear layer before it, with an activation behind
/// it. Batch norms that are left, and instance norms, take an activation behind them and, where
/// that is a clip, a 2x2 max pool.
std::vector<FusedSpec> fuse(const std::vector<LayerSpec>& layers, NetworkMode mode);

}  // namespace kindred
