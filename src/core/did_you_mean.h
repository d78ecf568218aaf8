#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/recipe.h"

namespace kindred {

/// "; did you mean 'margin'?" where a candidate is near the word, `otherwise` where none is.
inline std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates,
                                const std::string& otherwise = "") {
  const std::string near = nearest(word, candidates);
  return near.empty() ? otherwise : "; did you mean '" + near + "'?";
}

}  // namespace kindred
