#pragma once
#include <string>
#include <vector>

#include "kindred/core/recipe.h"

namespace kindred::tools {

/// Something that has a name: a loss, a metric, a table of a recipe.
struct CatalogueEntry {
  std::string name;  ///< "triplet", "train"
  std::string summary;
  std::vector<Setting> settings = {};  ///< what a recipe may say of it
};

/// A list of such: "losses".
struct CatalogueList {
  std::string name;
  std::string what;  ///< of the list, in a few words
  std::vector<CatalogueEntry> entries;
};

/// Everything that can be named, made of the registries. `recipes` last.
std::vector<CatalogueList> catalogue();

}  // namespace kindred::tools
