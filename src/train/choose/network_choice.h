#pragma once
#include <string>
#include <utility>
#include <vector>

#include "kindred/train/recipe_choice.h"

namespace kindred {

/// A network as [model] has it, and why.
struct NetworkChoice {
  std::vector<std::pair<std::string, std::string>> keys;  ///< with their values, as TOML
  std::string why;
};

/// From the best to the fastest.
std::vector<NetworkChoice> networks_for(const RecipeFacts& facts);

}  // namespace kindred
