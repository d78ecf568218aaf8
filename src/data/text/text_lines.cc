#include "data/text/text_lines.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace kindred {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> fields_of(std::string_view line, std::string_view separators) {
  std::vector<std::string_view> fields;
  const bool blanks = separators.find(' ') != separators.npos;
  for (std::size_t first = 0; first <= line.size();) {
    const std::size_t end = std::min(line.find_first_of(separators, first), line.size());
    const std::string_view field = trimmed(line.substr(first, end - first));
    if (!blanks || !field.empty()) fields.push_back(field);
    first = end + 1;
  }
  return fields;
}

std::vector<TextLine> lines_of(std::string_view text) {
  std::vector<TextLine> lines;
  std::size_t number = 0;
  for (std::size_t first = 0; first < text.size();) {
    const std::size_t end = std::min(text.find('\n', first), text.size());
    const std::string_view line = trimmed(text.substr(first, end - first));
    if (++number; !line.empty()) lines.push_back({number, line});
    first = end + 1;
  }
  return lines;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace kindred
