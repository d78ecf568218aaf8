#include "kindred/core/buffer.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "kindred/core/error.h"
#include "kindred/core/memory.h"

namespace kindred {
namespace {

constexpr Index kSmall = Index{1} << 20;  // smaller ones are not asked about
constexpr Index kMost = Index{1} << 60;

void check_memory(Index bytes) {
  // Asked once, without a lock: a child may be forked meanwhile.
  static std::atomic<Index> known{0};
  Index most = known.load(std::memory_order_relaxed);
  if (most == 0) known = most = machine_memory();
  const Index used = resident_memory();
  if (bytes <= most - used) return;
  fail(ErrorKind::system,
       fmt::format("{} of memory are needed beside the {} in use, and the process may have {}; use "
                   "a smaller network, batch, slice or data.memory",
                   text_of_bytes(bytes), text_of_bytes(used), text_of_bytes(most)));
}

}  // namespace

void* allocate_zeros(Index count, Index each) {
  const bool countable = count >= 0 && count <= kMost / each;
  const Index bytes = countable ? round_up(std::max<Index>(count, 1) * each, kAlignment) : kMost;
  if (bytes > kSmall) check_memory(bytes);
  const auto size = static_cast<std::size_t>(bytes);
  void* const memory = ::operator new (size, std::align_val_t{kAlignment});
  return std::memset(memory, 0, size);
}

}  // namespace kindred
