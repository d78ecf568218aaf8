#include "data/dataset/block_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "kindred/core/memory.h"

namespace kindred {
namespace {

constexpr Index kPage = Index{64} << 10;  // no machine has larger ones
constexpr int kMissesBetweenLooks = 256;  // looking at the process's memory takes microseconds

}  // namespace

BlockCache::BlockCache(Index blocks, Index block_bytes, Limits limits)
    : block_bytes_(block_bytes),
      limits_(limits),
      slots_(static_cast<std::size_t>(std::clamp<Index>(limits.bytes / block_bytes, 1, blocks))),
      slot_of_block_(static_cast<std::size_t>(blocks), -1) {
  mapped_ = slots_.size() * static_cast<std::size_t>(block_bytes);
  void* const memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  for (int slot = static_cast<int>(slots_.size()); slot-- > 0;) unused_.push_back(slot);
}

BlockCache::~BlockCache() { ::munmap(memory_, mapped_); }

bool BlockCache::holds(Index block) const {
  const std::lock_guard guard(lock_);
  return slot_of_block_[static_cast<std::size_t>(block)] >= 0;
}

void BlockCache::with(Index block, Reading reading, FunctionRef<void(std::byte*)> make,
                      FunctionRef<void(const std::byte*)> use) {
  std::unique_lock guard(lock_);
  if (reading == Reading::in_order) hold_only_few();
  const int number = find_or_claim(block, reading, guard);
  Slot& slot = slots_[static_cast<std::size_t>(number)];
  ++slot.users;
  if (number != newest_) {
    unlink(number);
    make_newest(number);
  }
  try {
    if (!slot.ready) {
      guard.unlock();
      make(bytes_of(number));
      guard.lock();
      slot.ready = true;
      changed_.notify_all();
    }
    guard.unlock();
    use(bytes_of(number));
  } catch (...) {
    if (!guard.owns_lock()) guard.lock();
    if (!slot.ready) {  // nobody else has it yet: those who wait make it themselves
      slot_of_block_[static_cast<std::size_t>(block)] = -1;
      slot.block = -1;
    }
    --slot.users;
    changed_.notify_all();
    throw;
  }
  guard.lock();
  if (--slot.users == 0) changed_.notify_all();
}

// The slot of the block, ready; or one that is the caller's to fill.
int BlockCache::find_or_claim(Index block, Reading reading, std::unique_lock<std::mutex>& guard) {
  std::int32_t& place = slot_of_block_[static_cast<std::size_t>(block)];
  while (true) {
    if (place >= 0) {
      if (slots_[static_cast<std::size_t>(place)].ready) return place;
      changed_.wait(guard);
      continue;
    }
    int number = -1;
    if (may_grow(reading)) {
      number = unused_.back();
      unused_.pop_back();
      make_newest(number);
    } else {
      number = least_recent_idle();
    }
    if (number < 0) {
      changed_.wait(guard);
      continue;
    }
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    if (slot.block >= 0) slot_of_block_[static_cast<std::size_t>(slot.block)] = -1;
    slot.block = block;
    slot.ready = false;
    place = number;
    return number;
  }
}

bool BlockCache::may_grow(Reading reading) {
  if (unused_.empty()) return false;
  if (static_cast<Index>(slots_.size() - unused_.size()) < kFew) return true;
  if (reading == Reading::in_order) return false;
  if (limits_.resident_bytes < 0) return true;
  if (refused_ > 0 && ++refused_ <= kMissesBetweenLooks) return false;
  refused_ = resident_memory() + block_bytes_ <= limits_.resident_bytes ? 0 : 1;
  return refused_ == 0;
}

// Gives the memory of all but a few idle slots back.
void BlockCache::hold_only_few() {
  auto surplus = static_cast<Index>(slots_.size() - unused_.size()) - kFew;
  if (surplus <= 0) return;
  for (int number = oldest_; surplus > 0 && number >= 0;) {
    Slot& slot = slots_[static_cast<std::size_t>(number)];
    const int next = slot.newer;
    if (slot.users == 0) {
      unlink(number);
      if (slot.block >= 0) slot_of_block_[static_cast<std::size_t>(slot.block)] = -1;
      slot = Slot{};
      unused_.push_back(number);
      --surplus;
    }
    number = next;
  }
  const auto held = [&](Index i) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    return slot.block >= 0 || slot.users > 0;
  };
  const auto count = static_cast<Index>(slots_.size());
  for (Index first = 0, end = 0; first < count; first = end + 1) {
    for (end = first; end < count && !held(end);) ++end;
    // Whole pages only: what is held shares those at the edges.
    const Index begin = round_up(first * block_bytes_, kPage);
    const Index bytes = end * block_bytes_ / kPage * kPage - begin;
    if (bytes > 0) ::madvise(memory_ + begin, static_cast<std::size_t>(bytes), MADV_DONTNEED);
  }
}

int BlockCache::least_recent_idle() const {
  for (int slot = oldest_; slot >= 0; slot = slots_[static_cast<std::size_t>(slot)].newer) {
    if (slots_[static_cast<std::size_t>(slot)].users == 0) return slot;
  }
  return -1;
}

void BlockCache::unlink(int slot) {
  const Slot& s = slots_[static_cast<std::size_t>(slot)];
  (s.newer < 0 ? newest_ : slots_[static_cast<std::size_t>(s.newer)].older) = s.older;
  (s.older < 0 ? oldest_ : slots_[static_cast<std::size_t>(s.older)].newer) = s.newer;
}

void BlockCache::make_newest(int slot) {
  Slot& s = slots_[static_cast<std::size_t>(slot)];
  s.newer = -1;
  s.older = newest_;
  (newest_ < 0 ? oldest_ : slots_[static_cast<std::size_t>(newest_)].newer) = slot;
  newest_ = slot;
}

}  // namespace kindred
