#include "serve/target.h"

#include <algorithm>
#include <charconv>

#include "kindred/core/text.h"

namespace kindred::serve {

std::optional<std::string> unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    unsigned char byte = 0;
    const char* const end = text.data() + i + 3;
    const auto read = std::from_chars(text.data() + i + 1, end, byte, 16);
    if (read.ec != std::errc() || read.ptr != end || byte == 0) return std::nullopt;
    plain += static_cast<char>(byte);
    i += 2;
  }
  if (!is_utf8(plain)) return std::nullopt;
  return plain;
}

std::optional<Target> parse_target(std::string_view text) {
  const bool ascii = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
  if (!text.starts_with('/') || !ascii) return std::nullopt;
  Target target;
  const std::size_t mark = text.find('?');
  target.path = text.substr(0, mark);
  std::string_view rest = mark == std::string_view::npos ? "" : text.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    const auto name = unescape(pair.substr(0, equals));
    const auto value = unescape(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
    if (!name || !value || !target.query.emplace(*name, *value).second) return std::nullopt;
  }
  return target;
}

}  // namespace kindred::serve
