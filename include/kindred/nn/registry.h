#pragma once
#include <functional>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"

namespace KINDRED_API kindred {

/// One kind of layer for [[model.layers]], as `kindred list layers` prints it.
struct LayerListing {
  std::string name;
  std::string summary;
  /// Reads the kind's settings from a section (an empty one gives the defaults), so that
  /// Section::settings() holds them with type, range and description.
  std::function<void(Section)> read_settings;
};

/// Every kind of layer, in the registry's order.
std::vector<LayerListing> list_layers();

/// Every architecture of [model] in the same manner, as `kindred list architectures` prints it,
/// without what all have (read_common). "layers" has none: its layers have theirs.
std::vector<LayerListing> list_architectures();

}  // namespace kindred
