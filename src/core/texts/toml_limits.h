#pragma once
#include <string>
#include <string_view>

namespace kindred {

/// Why a TOML text is not parsed; "" where it keeps to the limits of recipes: size, keys, parts of
/// a key, depth of lists and tables. Measured before it is parsed: what parses it makes a table for
/// each part of a key, one in the other, and recurses when it lets them go.
std::string beyond_toml_limits(std::string_view text);

}  // namespace kindred
