#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace kindred {

/// "; did you mean 'margin'?" where a candidate is near the word, `otherwise` where none is.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates,
                         const std::string& otherwise = "");

}  // namespace kindred
