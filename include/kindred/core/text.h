#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// True where the bytes are UTF-8: no surrogates, nothing above U+10FFFF, no longer form than
/// needed.
bool is_utf8(std::string_view text);

/// The same text where it is UTF-8; else each byte that is not part of UTF-8 as `\xE9`. JSON, HDF5
/// and terminals take UTF-8 only; names of files may be anything.
std::string valid_utf8(std::string_view text);

/// One line for a terminal: valid UTF-8 in which control characters (line breaks, escape sequences,
/// those that turn the direction of writing) stand as `\x1B` and `\u202E`. What comes from files is
/// printed through it.
std::string printable(std::string_view text);

/// The same of several lines: line breaks stay.
std::string printable_lines(std::string_view text);

/// Makes valid UTF-8 of each text that is not: equal texts stay equal, and different ones
/// different. Returns how many different texts were changed.
Index make_valid_utf8(std::span<std::string* const> texts);
Index make_valid_utf8(std::vector<std::string>& texts);

/// A path as recipes and checkpoints hold it: itself where it is UTF-8, else `file://` with the
/// other bytes as `%E9`. Back from both.
std::string text_of_path(const std::string& path);
std::string path_of_text(const std::string& text);

}  // namespace kindred
