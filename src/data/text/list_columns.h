#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kindred {

/// A column's name as it is compared: small letters and digits alone ("imagepath" of "Image Path").
std::string column_key(std::string_view name);

/// The column that is called by the first of these words that any is called by, or -1. `words` are
/// column_key()s.
int find_column(std::span<const std::string_view> header, std::span<const std::string_view> words);

/// Whether a pair is of the same: 1, 1.0, true, yes, same, ... or 0, -1, false, no, different, ...
std::optional<bool> same_named(std::string_view text);

/// A whole number, be it written "3", "3.0" or "+3".
std::optional<std::int64_t> whole_value(std::string_view text);
/// Any number.
std::optional<double> real_value(std::string_view text);

}  // namespace kindred
