#pragma once
#include <cstddef>

namespace kindred::test {

/// Counts calls of operator new by our own code and the standard library in any thread while it
/// lives. What oneDNN, TBB and HDF5 allocate inside is theirs and not counted.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  std::size_t count() const;
};

}  // namespace kindred::test
