#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/error.h"

/// A target of libFuzzer: `name(bytes)` is called with bytes that may be anything, and may fail
/// with an Error other than internal. Anything else that is thrown, a crash, a leak and a hang are
/// found.
#define KINDRED_FUZZ_TARGET(name)                                                     \
  static void name(std::string_view bytes);                                           \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    try {                                                                             \
      name({reinterpret_cast<const char*>(data), size});                              \
    } catch (const kindred::Error& error) {                                           \
      if (error.kind() == kindred::ErrorKind::internal) std::abort();                 \
    }                                                                                 \
    return 0;                                                                         \
  }                                                                                   \
  static void name(std::string_view bytes)

namespace kindred::fuzz {

inline std::vector<std::byte> owned(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

/// What must hold of everything that was read.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Where a target puts files that are read by their path: a folder of this process, removed when it
/// ends as it should.
inline std::string scratch(const std::string& name) {
  struct Folder {
    // In memory where there is such a place: disks write at once what replaces a file.
    std::string path = (std::filesystem::is_directory("/dev/shm")
                            ? std::string("/dev/shm")
                            : std::filesystem::temp_directory_path().string()) +
                       "/kindred_fuzz_XXXXXX";
    Folder() { require(::mkdtemp(path.data()) != nullptr); }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return folder.path + "/" + name;
}

inline void write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace kindred::fuzz
