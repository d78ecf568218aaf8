#pragma once
#include <string_view>

#include "kindred/core/index.h"
#include "kindred/nn/layer_spec.h"

namespace kindred {

/// All settings of a layer, those that its spec does not name with their defaults.
class LayerSettings {
 public:
  explicit LayerSettings(const LayerSpec& spec);
  /// REQUIRES: the kind has a setting of that name.
  double real(std::string_view key) const;
  Index integer(std::string_view key) const { return static_cast<Index>(real(key)); }
  bool flag(std::string_view key) const { return real(key) != 0; }

 private:
  LayerSpec spec_;
};

}  // namespace kindred
