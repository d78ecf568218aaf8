#pragma once
#include <string>
#include <utility>
#include <vector>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// One layer of a network, before it is compiled: its kind and settings as numbers.
struct LayerSpec {
  std::string kind;  ///< as in the layer registry: "convolution", "linear", "batch_norm", ...
  std::string name;  ///< unique in the network; prefix of its segments
  std::vector<std::pair<std::string, double>> settings;
  std::vector<LayerSpec> body;      ///< residual: the branch with weights
  std::vector<LayerSpec> shortcut;  ///< residual: empty for the identity
  /// concatenate: chains of layers side by side; an empty one is the identity
  std::vector<std::vector<LayerSpec>> branches = {};
};

}  // namespace kindred
