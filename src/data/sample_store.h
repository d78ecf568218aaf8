#pragma once
#include <cstddef>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/sample_rows.h"
#include "kindred/core/buffer.h"
#include "kindred/data/dataset.h"

namespace kindred {

/// The raw samples of a data set: all in memory where they fit the budget, else blocks of rows (a
/// row of chunks each) of which the least recently used make way. Checks that floats are finite.
class SampleStore {
 public:
  /// Fails with data.
  SampleStore(SampleRows rows, Index memory_budget);

  bool in_memory() const { return !rows_.has_value(); }
  Index sample_bytes() const { return sample_bytes_; }
  /// Thread-safe; nothing is allocated after the longest `samples` so far.
  void read(std::span<const Index> samples, std::byte* dst);

 private:
  struct Slot {
    Index block = -1;
    int newer = -1;  ///< neighbours in order of last use
    int older = -1;
  };

  void check_values(const std::byte* rows, Index first, Index count) const;
  const std::byte* block(Index number);
  void unlink(int slot);
  void make_newest(int slot);

  std::string where_;
  Element element_;
  Index size_;
  Index sample_bytes_;
  Index block_rows_ = 0;
  Buffer<std::byte> memory_;  ///< all samples, or the slots' blocks
  // Streamed only, under the lock:
  std::optional<SampleRows> rows_;
  std::mutex lock_;
  std::vector<Slot> slots_;
  std::vector<int> slot_of_block_;
  int newest_ = -1;
  int oldest_ = -1;
  std::vector<Index> order_;
};

}  // namespace kindred
