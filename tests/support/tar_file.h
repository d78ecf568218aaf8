#pragma once
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace kindred::test {

/// An entry of a tar archive, as hostile as a test wants it.
struct TarEntry {
  std::string name;
  std::string content = {};
  char type = '0';  ///< 0 file, 1 hard link, 2 symbolic link, 3 device, 5 folder, 6 pipe
  std::string link = {};
  long long claimed = -1;  ///< size in the header; -1: the content's
};

inline std::string tar_bytes(const std::vector<TarEntry>& entries) {
  std::string bytes;
  for (const TarEntry& entry : entries) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) {
      header.replace(at, text.size(), text);
    };
    const auto octal = [](long long value) {
      char text[16];
      std::snprintf(text, sizeof text, "%011llo", value);
      return std::string(text);
    };
    put(0, entry.name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124,
        octal(entry.claimed < 0 ? static_cast<long long>(entry.content.size()) : entry.claimed));
    put(136, octal(0));
    put(148, "        ");
    put(156, std::string(1, entry.type));
    put(157, entry.link);
    put(257, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    put(148, octal(sum).substr(5) + std::string("\0 ", 2));
    bytes += header + entry.content;
    bytes.resize((bytes.size() + 511) / 512 * 512);
  }
  return bytes + std::string(1024, '\0');
}

inline void write_tar(const std::string& path, const std::vector<TarEntry>& entries) {
  std::ofstream(path, std::ios::binary) << tar_bytes(entries);
}

}  // namespace kindred::test
