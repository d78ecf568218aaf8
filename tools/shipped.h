#pragma once
#include <string>
#include <vector>

namespace kindred::tools {

/// A recipe that comes with the program: share/kindred/NAME.toml.
struct ShippedRecipe {
  std::string name;     ///< "omniglot"
  std::string path;     ///< absolute
  std::string summary;  ///< the first sentence of the comment it begins with
};

/// By name, of the folder that the environment variable KINDRED_DATA names, where it is set, and of
/// ../share/kindred beside the folder of this program. The first of a name counts.
std::vector<ShippedRecipe> shipped_recipes();

/// What `recipe` on the command line stands for: the path itself where something is there, or has
/// a folder in it; otherwise the shipped recipe of that name, with or without .toml. A path that
/// hides a shipped recipe is said on standard error. Fails with no_input when it is neither, and
/// names the shipped ones.
std::string find_recipe(const std::string& recipe, bool quiet);

}  // namespace kindred::tools
