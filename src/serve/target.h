#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kindred::serve {

/// What a request asks for.
struct Target {
  std::string path;  ///< as it came: "%" in it means itself, so matches nothing
  std::map<std::string, std::string> query;  ///< unescaped, valid UTF-8
};

/// Nothing where it is none: no "/" in front, bytes outside of ASCII, a query that is not escaped
/// as forms are, a name twice.
std::optional<Target> parse_target(std::string_view text);

/// "a%20b+c" is "a b c". Nothing where a "%" is not followed by two digits, where the bytes are no
/// UTF-8, or one of them is 0.
std::optional<std::string> unescape(std::string_view text);

}  // namespace kindred::serve
