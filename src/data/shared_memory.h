#pragma once
#include <cstddef>
#include <span>

#include "kindred/core/index.h"

namespace kindred {

/// Memory without a name that this process and the children it forks see alike. It grows where
/// either side asks for more and never shrinks, so that neither can take it from under the other.
class SharedMemory {
 public:
  /// Fails with io.
  SharedMemory();
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// The first `bytes` of it, zero where nothing was written. Spans given before are void. Fails
  /// with io, or std::bad_alloc where there is not that much.
  std::span<std::byte> first(Index bytes);

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::byte* mapped_ = nullptr;
  Index size_ = 0;
};

}  // namespace kindred
