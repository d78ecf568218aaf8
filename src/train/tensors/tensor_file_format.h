#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kindred/core/error.h"
#include "kindred/core/index.h"

namespace kindred {

// Of tensor files. What is written is read again: both sides keep to these.
inline constexpr Index kPrefix = 8;                // bytes of the header's length
inline constexpr Index kMostHeader = 100'000'000;  // as the reference implementation of safetensors
inline constexpr Index kMostArrays = 10'000;       // a table of arrays is searched by name
inline constexpr std::size_t kMostName = 256;      // bytes
inline constexpr std::string_view kNoChecksum = "0000000000000000";

inline std::span<const std::byte> bytes_of_text(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[noreturn]] inline void reject_tensor_file(const std::string& path, const std::string& what) {
  fail(ErrorKind::data, fmt::format("{}: not a sound model or checkpoint: {}", path, what));
}

}  // namespace kindred
