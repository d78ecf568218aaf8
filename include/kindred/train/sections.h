#pragma once
#include <span>
#include <string_view>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"

namespace KINDRED_API kindred {

/// One table of a recipe, as whoever lists its keys wants it.
struct SectionListing {
  std::string_view name;  ///< "data"; "" for the top level
  std::string_view summary;
  void (*read)(Section section);  ///< asks for its keys, as training does
};

/// The tables of a recipe in the order of the documentation. What a loss, a sampler, an
/// architecture or an optimizer asks besides is in its own registry.
std::span<const SectionListing> list_sections();

}  // namespace kindred
