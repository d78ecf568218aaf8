#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "kindred/core/index.h"

namespace kindred {

/// Memory without a name that this process and the children it forks see alike. Of what is reserved
/// only pages that were written take memory. It is no file: no limit on files bears on it.
class SharedMemory {
 public:
  /// At most so many bytes, to read `what`. Fails with system.
  SharedMemory(Index most, const std::string& what);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// The first `bytes` of it, zero where nothing was written; std::bad_alloc where it has less.
  std::span<std::byte> first(Index bytes);

 private:
  std::byte* mapped_;
  Index size_;
};

}  // namespace kindred
