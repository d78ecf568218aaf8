#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "kindred/core/function_ref.h"
#include "kindred/core/index.h"
#include "kindred/data/sample_kinds.h"

namespace kindred {

/// Blocks of bytes that were made before, as many as fit; the least recently used makes way. Each
/// is made once by one caller while others that want it wait. Thread-safe. What a caller gets never
/// depends on what is held.
class BlockCache {
 public:
  struct Limits {
    Index bytes = 0;            ///< for the blocks held; one is held in any case
    Index resident_bytes = -1;  ///< none is added that would take the process beyond; -1: no matter
  };
  /// Held while all read in order: a few, for callers side by side.
  static constexpr Index kFew = 4;

  BlockCache(Index blocks, Index block_bytes, Limits limits);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  /// What the cache of so many blocks takes besides the blocks held.
  static Index overhead(Index blocks) { return blocks * Index{sizeof(std::int32_t)}; }

  bool holds(Index block) const;
  /// use(bytes) with a block, made by make(bytes) unless it is held. make may throw.
  void with(Index block, Reading reading, FunctionRef<void(std::byte*)> make,
            FunctionRef<void(const std::byte*)> use);

 private:
  struct Slot {
    Index block = -1;
    int users = 0;       ///< while there are any, the slot is not reused
    bool ready = false;  ///< false while it is made
    int newer = -1;      ///< neighbours in order of last use
    int older = -1;
  };

  int find_or_claim(Index block, Reading reading, std::unique_lock<std::mutex>& guard);
  bool may_grow(Reading reading);
  int least_recent_idle() const;
  void hold_only_few();
  void unlink(int slot);
  void make_newest(int slot);
  std::byte* bytes_of(int slot) const { return memory_ + slot * block_bytes_; }

  Index block_bytes_;
  Limits limits_;
  std::byte* memory_ = nullptr;  ///< addresses for all slots; pages come with use
  std::size_t mapped_ = 0;
  mutable std::mutex lock_;  ///< over what follows
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::vector<int> unused_;  ///< slots without pages
  int refused_ = 0;          ///< misses since memory was found to be short; 0: it was not
  std::vector<std::int32_t> slot_of_block_;
  int newest_ = -1;
  int oldest_ = -1;
};

}  // namespace kindred
