#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// Writes `parts`, one after the other, as an OutputFile: after a crash `path` is either the old
/// file or the whole new one. On failure `path` is as it was. Fails with cannot_create or io.
void write_file_durably(const std::string& path, std::span<const std::span<const std::byte>> parts);
void write_file_durably(const std::string& path, std::string_view text);

/// The whole content. Fails with no_input when missing, with data when over `most` bytes, with
/// system where it is more than the memory, with io.
std::vector<std::byte> read_file(const std::string& path, Index most = Index{1} << 40);

/// Whether there is something at `path`, links followed; whether it is a folder. Fail with no_input
/// where that cannot be known: no rights on a folder above it, a name that is too long, ...
bool exists(const std::string& path);
bool is_folder(const std::string& path);
/// The first bytes of a regular file, at most `most`; none where it is no such file, or may not be
/// read. Does not wait for who would write into a pipe. Fails with io or system.
std::string beginning_of_file(const std::string& path, std::size_t most);

/// Makes `path` and its parents, on the disk when it returns. Fails with cannot_create or io.
void make_folders(const std::string& path);

/// xxh3 (64 bit) of the bytes; `seed` chains.
std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed = 0);
/// The same of `parts` as one piece, without putting them together.
std::uint64_t checksum(std::span<const std::span<const std::byte>> parts);

/// 16 hexadecimal digits.
std::string hex(std::uint64_t value);

}  // namespace kindred
