#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "kindred/core/index.h"

namespace kindred {

/// Reads `bytes` at `offset` of an open file, whatever else is read of it meanwhile. `where` begins
/// the message. Fails with io, or with data where the file ends before.
void read_at(int file, std::uint64_t offset, Index bytes, std::byte* dst, const std::string& where);

/// The same where all of it is in memory already; false where not, or where the system cannot tell.
bool read_if_cached(int file, std::uint64_t offset, Index bytes, std::byte* dst);

/// Asks the system to begin to read what will be wanted soon.
void read_ahead(int file, std::uint64_t offset, Index bytes);

/// Writes `bytes` at `offset`. Fails with io.
void write_at(int file, std::uint64_t offset, Index bytes, const std::byte* src,
              const std::string& where);

/// Writes all of `bytes` where the file stands, in as many pieces as the system takes them,
/// whatever signals come. Fails with io; where the disk is full, the message ends with `advice`.
void write_all(int file, std::span<const std::byte> bytes, const std::string& where,
               const std::string& advice);

/// What was written is on the disk when it returns. Fails with io.
void sync_to_disk(int file, const std::string& where);
/// The same of the names in a folder. File systems that cannot are believed to need none.
void sync_folder(const std::string& folder, const std::string& where);

}  // namespace kindred
