#include "train/exchange/layer_settings.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "kindred/core/recipe.h"
#include "nn/contract/registry.h"

namespace kindred {

LayerSettings::LayerSettings(const LayerSpec& spec)
    : spec_{spec.kind, spec.name, spec.settings, {}, {}} {
  Recipe nothing;
  layer_kind(spec.kind).read(nothing.root(), spec_);
}

double LayerSettings::real(std::string_view key) const {
  for (const auto& [name, value] : spec_.settings) {
    if (name == key) return value;
  }
  fail(ErrorKind::internal, fmt::format("layer '{}' has no setting '{}'", spec_.name, key));
}

}  // namespace kindred
