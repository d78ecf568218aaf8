#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace kindred {

/// SHA-256 in 64 hexadecimal digits: for bytes that others choose. Our own files have xxh3
/// (checksum(), kindred/core/file.h), which is faster and proves nothing against malice.
std::string sha256(std::span<const std::byte> bytes);

}  // namespace kindred
