#include "kindred/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

namespace kindred {
namespace {

constexpr std::string_view kScheme = "file://";

unsigned byte(char c) { return static_cast<unsigned char>(c); }

/// What stands at the start of a text.
struct Character {
  unsigned code = 0;
  std::size_t bytes = 0;  ///< 0: no UTF-8
};

// RFC 3629.
Character first_of(std::string_view text) {
  const unsigned lead = byte(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  unsigned code = lead & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(text[i]) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(text[i]) & 0x3F);
  }
  constexpr std::array<unsigned, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[bytes] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, bytes};
}

// C0, DEL, C1, line and paragraph separators, and what turns the direction of writing.
bool is_control(unsigned code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/// Goes through the text: `other(byte)` for what is no UTF-8, `character(code, its bytes)`.
template <typename Other, typename Each>
void walk(std::string_view text, Other&& other, Each&& each) {
  while (!text.empty()) {
    const Character first = first_of(text);
    if (first.bytes == 0) {
      other(byte(text[0]));
    } else {
      each(first.code, text.substr(0, first.bytes));
    }
    text.remove_prefix(std::max<std::size_t>(first.bytes, 1));
  }
}

bool is_plain(char c) { return byte(c) < 0x80 && byte(c) > 0x20 && c != '%' && byte(c) != 0x7F; }

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = first_of(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  walk(
      text, [&](unsigned other) { valid += fmt::format("\\x{:02X}", other); },
      [&](unsigned, std::string_view bytes) { valid += bytes; });
  return valid;
}

std::string printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  walk(
      text, [&](unsigned other) { line += fmt::format("\\x{:02X}", other); },
      [&](unsigned code, std::string_view bytes) {
        if (!is_control(code)) {
          line += bytes;
        } else {
          line += code < 0x80 ? fmt::format("\\x{:02X}", code) : fmt::format("\\u{:04X}", code);
        }
      });
  return line;
}

std::string printable_lines(std::string_view text) {
  std::string lines;
  for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1)) {
    lines += printable(text.substr(0, end)) + '\n';
  }
  return lines + printable(text);
}

Index make_valid_utf8(std::span<std::string* const> texts) {
  std::map<std::string, std::string> changed;  // in their order: the same each time
  for (const std::string* text : texts) {
    if (!is_utf8(*text)) changed.try_emplace(*text);
  }
  if (changed.empty()) return 0;
  std::set<std::string> taken;
  for (const std::string* text : texts) {
    if (!changed.contains(*text)) taken.insert(*text);
  }
  for (auto& [from, to] : changed) {
    const std::string valid = valid_utf8(from);
    to = valid;
    for (int number = 2; !taken.insert(to).second; ++number) {
      to = fmt::format("{} ({})", valid, number);
    }
  }
  for (std::string* text : texts) {
    const auto found = changed.find(*text);
    if (found != changed.end()) *text = found->second;
  }
  return static_cast<Index>(changed.size());
}

Index make_valid_utf8(std::vector<std::string>& texts) {
  std::vector<std::string*> pointers;
  pointers.reserve(texts.size());
  for (std::string& text : texts) pointers.push_back(&text);
  return make_valid_utf8(pointers);
}

// RFC 8089. A path never begins so itself: "file:" would be a folder, and "//" one "/".
std::string text_of_path(const std::string& path) {
  if (is_utf8(path)) return path;
  std::string text(kScheme);
  for (const char c : path)
    text += is_plain(c) ? std::string(1, c) : fmt::format("%{:02X}", byte(c));
  return text;
}

std::string path_of_text(const std::string& text) {
  if (!text.starts_with(kScheme)) return text;
  std::string path;
  for (std::size_t i = kScheme.size(); i < text.size(); ++i) {
    unsigned code = 0;
    const char* const digits = text.data() + i + 1;
    const bool escaped = text[i] == '%' && i + 2 < text.size() &&
                         std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2;
    path += escaped ? static_cast<char>(code) : text[i];
    if (escaped) i += 2;
  }
  return path;
}

}  // namespace kindred
