#include "data/text/list_columns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "data/text/text_lines.h"

namespace kindred {

std::string column_key(std::string_view name) {
  std::string key;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80) key += static_cast<char>(std::tolower(byte));
  }
  return key;
}

int find_column(std::span<const std::string_view> header, std::span<const std::string_view> words) {
  for (const std::string_view word : words) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (column_key(header[i]) == word) return static_cast<int>(i);
    }
  }
  return -1;
}

std::optional<bool> same_named(std::string_view text) {
  constexpr std::array<std::string_view, 10> kSame{"1", "true",     "yes",     "same",  "t",
                                                   "y", "positive", "genuine", "match", "pos"};
  constexpr std::array<std::string_view, 15> kDifferent{
      "0",        "false",    "no",         "different", "f",       "n",   "negative", "impostor",
      "imposter", "nonmatch", "notthesame", "diff",      "notsame", "neg", "mismatch"};
  const auto number = real_value(text);
  if (number == 1.0) return true;
  if (number == 0.0 || number == -1.0) return false;
  const std::string key = column_key(text);
  if (std::find(kSame.begin(), kSame.end(), key) != kSame.end()) return true;
  if (std::find(kDifferent.begin(), kDifferent.end(), key) != kDifferent.end()) return false;
  return std::nullopt;
}

std::optional<std::int64_t> whole_value(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  if (dot != text.npos && dot > 0 && text.find_first_not_of('0', dot + 1) == text.npos) {
    text = text.substr(0, dot);
  }
  return whole_number(text);
}

std::optional<double> real_value(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace kindred
