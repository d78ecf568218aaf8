#include "nn/contract/fuse.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include "nn/contract/pool_settings.h"
#include "nn/contract/settings.h"

namespace kindred {
bool is_2x2_max_pool(const LayerSpec& spec) {
  if (spec.kind != "max_pool") return false;
  const auto pool = settings_of<PoolSettings>(spec);
  return pool.kernel == 2 && pool.stride == 2 && pool.padding == 0;
}

Activation activation_of(const LayerSpec& spec) {
  static constexpr std::pair<std::string_view, ActivationKind> kKinds[] = {
      {"relu", ActivationKind::relu},   {"relu6", ActivationKind::relu6},
      {"prelu", ActivationKind::prelu}, {"hard_swish", ActivationKind::hard_swish},
      {"swish", ActivationKind::swish},
  };
  for (const auto& [name, kind] : kKinds) {
    if (spec.kind == name) return {kind};
  }
  return {};
}

Activation FusedSpec::activation() const {
  return nonlinear == nullptr ? Activation{} : activation_of(*nonlinear);
}

std::string FusedSpec::kind() const {
  std::string text = layer->kind;
  for (const LayerSpec* part : {norm, nonlinear, pool}) {
    if (part != nullptr) text += " + " + part->kind;
  }
  return flatten == nullptr ? text : "flatten + " + text;
}

std::vector<FusedSpec> fuse(const std::vector<LayerSpec>& layers, NetworkMode mode) {
  const bool inference = mode == NetworkMode::inference;
  std::vector<const LayerSpec*> chain;
  for (const LayerSpec& layer : layers) {
    if (!(inference && layer.kind == "dropout")) chain.push_back(&layer);
  }
  std::vector<FusedSpec> pieces;
  std::size_t i = 0;
  const auto next_is = [&](std::string_view kind) {
    return i < chain.size() && chain[i]->kind == kind;
  };
  const auto next_activates = [&] {
    return i < chain.size() && activation_of(*chain[i]) && (inference || !chain[i]->frozen);
  };
  while (i < chain.size()) {
    FusedSpec piece;
    piece.layer = chain[i++];
    if (piece.layer->kind == "flatten" && next_is("linear")) {
      piece.flatten = piece.layer;
      piece.layer = chain[i++];
    }
    const bool weighted = piece.layer->kind == "convolution" || piece.layer->kind == "linear";
    // A frozen norm in training is a factor and a summand: its own passes, both ways.
    const bool norm = (piece.layer->kind == "batch_norm" && (inference || !piece.layer->frozen)) ||
                      piece.layer->kind == "instance_norm";
    if (inference && weighted && next_is("batch_norm")) piece.norm = chain[i++];
    if ((norm || (inference && weighted)) && next_activates()) piece.nonlinear = chain[i++];
    if (norm && is_clip(piece.activation().kind) && i < chain.size() &&
        is_2x2_max_pool(*chain[i])) {
      piece.pool = chain[i++];
    }
    pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace kindred
