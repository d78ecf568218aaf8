#include "suggestion.h"

#include <fmt/format.h>

#include "kindred/core/recipe.h"

namespace kindred::tools {

std::string suggestion(std::string_view word, const std::vector<std::string>& names) {
  const std::string near = nearest(word, names);
  return near.empty() ? near : fmt::format("; did you mean '{}'?", near);
}

}  // namespace kindred::tools
