#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// A number of bytes: "512MiB", "1.5 GiB", "64KiB", "1048576" or "1048576 bytes"; none where the
/// text is nothing of that, or below one byte.
std::optional<Index> parse_bytes(std::string_view text);
/// For people: "1.5 GiB", "700 bytes".
std::string text_of_bytes(Index bytes);

/// What this process may use: the least of the machine's memory, of the limits of its control group
/// and those above it, and of its address space (ulimit -v).
Index machine_memory();
/// What of this process is in memory now, shared libraries included.
Index resident_memory();
/// What of its address space this process has given to something; 0 without /proc.
Index mapped_memory();

}  // namespace kindred
