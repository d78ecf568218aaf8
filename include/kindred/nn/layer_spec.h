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
  /// Training leaves its numbers as they are; a batch norm keeps its running statistics, and uses
  /// them. A residual block's holds for what is inside of it, too.
  bool frozen = false;
};

/// visit(chain) for each chain of layers inside of one, all of which read what it reads. Layer is
/// LayerSpec or const LayerSpec.
template <typename Layer, typename Visit>
void for_each_chain(Layer& layer, Visit visit) {
  visit(layer.body);
  visit(layer.shortcut);
  for (auto& branch : layer.branches) visit(branch);
}

}  // namespace kindred
