#include "core/threads.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <latch>
#include <system_error>
#include <vector>

#include "kindred/core/error.h"
#include "kindred/core/index.h"
#include "kindred/core/memory.h"

namespace kindred {
namespace {

constexpr int kMostWaits = 100;
constexpr std::size_t kStack = std::size_t{4} << 20;   // as TBB's workers have
constexpr std::size_t kArena = std::size_t{64} << 20;  // of addresses for a thread's allocations

[[noreturn]] void refused(int count, int reason) {
  fail(
      ErrorKind::system,
      fmt::format("the system refuses {} more thread{}: {}; ask for fewer with --threads, or raise "
                  "its limits (ulimit -u and the control group's pids.max by {}, ulimit -v by {})",
                  count, count == 1 ? "" : "s", std::strerror(reason), count,
                  text_of_bytes(count * static_cast<Index>(kStack + kArena))));
}

// 0 without /proc.
Index count_threads() {
  std::error_code none;
  const std::filesystem::directory_iterator threads("/proc/self/task", none);
  return none ? 0 : std::distance(threads, {});
}

void* wait_for_all(void* latch) {
  // A thread's first allocation reserves addresses, too.
  void* volatile memory = std::malloc(1);
  std::free(memory);
  static_cast<std::latch*>(latch)->wait();
  return nullptr;
}

}  // namespace

std::thread start_thread(std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    refused(1, error.code().value());
  }
}

void prove_threads(int count) {
  static std::atomic<int> proven{0};
  if (count <= proven) return;
  std::latch all_started(1);
  std::vector<pthread_t> threads(static_cast<std::size_t>(count));
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  int reason = 0;
  std::size_t started = 0;
  while (started < threads.size() && reason == 0) {
    reason = pthread_create(&threads[started], &attributes, wait_for_all, &all_started);
    if (reason == 0) ++started;
  }
  pthread_attr_destroy(&attributes);
  const Index before = std::max<Index>(count_threads() - static_cast<Index>(started), 0);
  all_started.count_down();
  for (std::size_t i = 0; i < started; ++i) pthread_join(threads[i], nullptr);
  // They count until the kernel has put them away, a little after they are joined.
  for (int i = 0; i < kMostWaits && count_threads() > before; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (reason != 0) refused(count, reason);
  proven = count;
}

}  // namespace kindred
