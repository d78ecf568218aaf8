#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kindred {

/// A line of a text that has something in it.
struct TextLine {
  std::size_t number = 0;  ///< from 1
  std::string_view text;   ///< without blanks at its ends
};
std::vector<TextLine> lines_of(std::string_view text);

/// The fields between any of the separators, without blanks at their ends; where a blank is among
/// the separators, empty fields do not count.
std::vector<std::string_view> fields_of(std::string_view line, std::string_view separators);

/// Nothing where the text is anything but one whole number.
std::optional<std::int64_t> whole_number(std::string_view text);

/// ASCII letters only.
std::string lower_case(std::string text);

}  // namespace kindred
