#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace kindred::tools {

/// "; did you mean 'train'?" where one of `names` is near `word`, else "": for commands, options,
/// their values, and names of any kind.
std::string suggestion(std::string_view word, const std::vector<std::string>& names);

}  // namespace kindred::tools
