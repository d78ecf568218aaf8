#pragma once
// PNG files byte by byte: of any header, with chunks of any kind.
#include <libdeflate.h>

#include <cstdint>
#include <string>

namespace kindred::test {

inline std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int i = 3; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string zlib(const std::string& bytes) {
  libdeflate_compressor* const compressor = libdeflate_alloc_compressor(9);
  std::string packed(libdeflate_zlib_compress_bound(compressor, bytes.size()), '\0');
  packed.resize(libdeflate_zlib_compress(compressor, bytes.data(), bytes.size(), packed.data(),
                                         packed.size()));
  libdeflate_free_compressor(compressor);
  return packed;
}

inline std::string chunk(const std::string& type, const std::string& content) {
  const std::string body = type + content;
  return big_endian(static_cast<std::uint32_t>(content.size())) + body +
         big_endian(libdeflate_crc32(0, body.data(), body.size()));
}

// Rows with their filter bytes; `more` are chunks in front of the pixels.
inline std::string png(std::uint32_t width, std::uint32_t height, char depth, char colour,
                       const std::string& rows, const std::string& more = "") {
  return "\x89PNG\r\n\x1A\n" +
         chunk("IHDR",
               big_endian(width) + big_endian(height) + depth + colour + std::string(3, '\0')) +
         more + chunk("IDAT", zlib(rows)) + chunk("IEND", "");
}

}  // namespace kindred::test
