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
  /// Training leaves its numbers as they are; a batch norm keeps its running statistics, and uses
  /// them. A residual block's holds for what is inside of it, too.
  bool frozen = false;
};

}  // namespace kindred
