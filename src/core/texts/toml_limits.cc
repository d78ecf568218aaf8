#include "core/texts/toml_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/index.h"

namespace kindred {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostKeyBytes = 512;
constexpr Index kMostKeys = 10'000;
constexpr Index kMostParts = 16;
constexpr Index kMostDepth = 16;

/// What of the text follows the comment or the text in quotes that it begins with; the whole where
/// it begins with neither. A text on one line ends with the line: it is refused by who parses it.
std::string_view behind_quotes(std::string_view text) {
  if (text.starts_with('#')) {
    return text.substr(std::min(text.find('\n'), text.size()));
  }
  const char quote = text[0];
  if (quote != '"' && quote != '\'') return text;
  const std::string_view three = quote == '"' ? R"(""")" : "'''";
  const bool lines = text.starts_with(three);
  for (std::size_t i = lines ? 3 : 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (!lines && (text[i] == quote || text[i] == '\n')) {
      return text.substr(text[i] == quote ? i + 1 : i);
    } else if (lines && text.substr(i).starts_with(three)) {
      i += 3;
      while (i < text.size() && text[i] == quote) ++i;  // up to two quotes may end the text
      return text.substr(i);
    }
  }
  return {};
}

}  // namespace

std::string beyond_toml_limits(std::string_view text) {
  if (text.size() > kMostBytes) {
    return fmt::format("has {} bytes; a recipe has at most {}", text.size(), kMostBytes);
  }
  const std::string_view whole = text;
  Index depth = 0;
  Index keys = 0;
  Index parts = 1;        // of what may be a key
  std::size_t begin = 0;  // of that
  const auto line = [&](std::size_t at) {
    return 1 + std::count(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  };
  while (!text.empty()) {
    const std::size_t at = whole.size() - text.size();
    const std::string_view rest = behind_quotes(text);
    if (rest.size() != text.size()) {
      text = rest;
      continue;
    }
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == '.') ++parts;
    if (c == '=' && at - begin > kMostKeyBytes) {
      return fmt::format("line {}: a key has {} bytes; at most {} are expected", line(at),
                         at - begin, kMostKeyBytes);
    }
    const bool counts = c == '=' || c == '[' || c == '{';
    if (counts && ++keys > kMostKeys)
      return fmt::format("has more than {} keys and tables", kMostKeys);
    if (parts > kMostParts) {
      return fmt::format("line {}: a key has more than {} parts", line(at), kMostParts);
    }
    if (depth > kMostDepth) {
      return fmt::format("line {}: is nested more than {} deep", line(at), kMostDepth);
    }
    if (c == '\n' || c == ',' || c == '=' || c == '[' || c == ']' || c == '{' || c == '}') {
      parts = 1;
      begin = at + 1;
    }
  }
  return "";
}

}  // namespace kindred
