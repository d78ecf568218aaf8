#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kindred {

/// A text of somebody's file.
struct DecodedText {
  std::string text;      ///< UTF-8 without a byte-order mark; bytes of other encodings as they are
  std::string encoding;  ///< "UTF-16" or "UTF-8 with a byte-order mark", else ""
};

/// UTF-16 is known by its byte-order mark, or by zeros at every second byte.
DecodedText decode_text(std::span<const std::byte> bytes);

/// A character at the end of a text in UTF-8; U+FFFD where there is none of that number.
void append_utf8(std::string& text, char32_t c);

/// The characters of Windows-1252 (ISO 8859-1 and some more) in UTF-8.
std::string from_windows_1252(std::string_view text);

/// The same for names that mean the same: letters and their marks apart (NFC and NFD are one, as
/// canonical decomposition makes them), "/" for "\", no "./" and no empty part.
std::string name_key(std::string_view name);

}  // namespace kindred
