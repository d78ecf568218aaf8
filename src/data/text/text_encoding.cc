#include "data/text/text_encoding.h"

#include <algorithm>
#include <array>

#include "data/text/decompositions.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

constexpr std::size_t kZerosLookedFor = 4096;  // bytes, for zeros

void append(std::string& text, char32_t c) {
  const auto put = [&](char32_t value) { text += static_cast<char>(value); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 63));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 63));
    put(0x80 | (c >> 6 & 63));
  }
  put(0x80 | (c & 63));
}

// The character that begins at `i`, which moves behind it. The text is UTF-8.
char32_t next(std::string_view text, std::size_t& i) {
  const auto first = static_cast<unsigned char>(text[i++]);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  char32_t c = first & (0x3F >> more);
  for (int k = 0; k < more && i < text.size(); ++k) {
    c = c << 6 | (static_cast<unsigned char>(text[i++]) & 63);
  }
  return c;
}

void append_decomposed(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
    return;
  }
  if (c >= 0xAC00 && c <= 0xD7A3) {  // Hangul, Unicode 3.12: leading, vowel, trailing
    const char32_t place = c - 0xAC00;
    append(text, 0x1100 + place / 588);
    append(text, 0x1161 + place % 588 / 28);
    if (place % 28 != 0) append(text, 0x11A7 + place % 28);
    return;
  }
  const auto found = std::lower_bound(
      kDecompositions.begin(), kDecompositions.end(), c,
      [](const Decomposition& entry, char32_t letter) { return entry.letter < letter; });
  if (found == kDecompositions.end() || found->letter != c) return append(text, c);
  append_decomposed(text, found->base);
  if (found->mark != 0) append_decomposed(text, found->mark);
}

std::string from_utf16(std::string_view bytes, bool big) {
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(bytes[i]);
    const auto b = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<char32_t>(big ? a << 8 | b : b << 8 | a);
  };
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    char32_t c = unit(i);
    if (c >= 0xD800 && c < 0xDC00 && i + 3 < bytes.size()) {
      const char32_t low = unit(i + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    }
    append(text, c >= 0xD800 && c < 0xE000 ? 0xFFFD : c);
  }
  return text;
}

// Zeros at nearly every second byte, and at no other: -1 none, 0 the first of two, 1 the second.
int zeros_at(std::string_view bytes) {
  std::array<std::size_t, 2> zeros{};
  const std::size_t looked_at = std::min(bytes.size(), kZerosLookedFor) & ~std::size_t{1};
  for (std::size_t i = 0; i < looked_at; ++i) zeros[i % 2] += bytes[i] == '\0' ? 1 : 0;
  for (int side = 0; side < 2; ++side) {
    if (looked_at >= 4 && zeros[1 - side] == 0 && zeros[side] * 10 >= looked_at / 2 * 7)
      return side;
  }
  return -1;
}

}  // namespace

void append_utf8(std::string& text, char32_t c) {
  append(text, c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? U'\uFFFD' : c);
}

DecodedText decode_text(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xEF\xBB\xBF")) {
    return {std::string(text.substr(3)), "UTF-8 with a byte-order mark"};
  }
  if (text.starts_with("\xFF\xFE")) return {from_utf16(text.substr(2), false), "UTF-16"};
  if (text.starts_with("\xFE\xFF")) return {from_utf16(text.substr(2), true), "UTF-16"};
  const int zeros = zeros_at(text);
  if (zeros >= 0) return {from_utf16(text, zeros == 0), "UTF-16"};
  return {std::string(text), ""};
}

std::string from_windows_1252(std::string_view text) {
  // 0x80 to 0x9F; the others are Unicode's own numbers.
  constexpr std::array<char32_t, 32> kMiddle{
      0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
      0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    append(result, byte >= 0x80 && byte < 0xA0 ? kMiddle[byte - 0x80U] : byte);
  }
  return result;
}

std::string name_key(std::string_view name) {
  const std::string valid = valid_utf8(name);
  std::string key;
  key.reserve(valid.size());
  for (std::size_t i = 0; i < valid.size();) {
    const char32_t c = next(valid, i);
    append_decomposed(key, c == U'\\' ? U'/' : c);
  }
  std::string tidy;
  for (std::size_t begin = 0; begin <= key.size();) {
    const std::size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part(key.data() + begin, end - begin);
    if (!part.empty() && part != ".") {
      if (!tidy.empty()) tidy += '/';
      tidy += part;
    }
    begin = end + 1;
  }
  return tidy;
}

}  // namespace kindred
