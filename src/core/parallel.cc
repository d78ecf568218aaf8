#include "kindred/core/parallel.h"

#include <immintrin.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_scheduler_observer.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/cgroup.h"
#include "core/team.h"
#include "core/threads.h"

#if defined(KINDRED_TELL_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

// Of GCC's runtime, which oneDNN runs on; clang has no omp.h for it.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int threads);

namespace kindred {
namespace {

// ThreadSanitizer does not see the synchronisation inside libtbb, so that this file is compiled
// without it, and tells it of the hand-over to a lane and of the lane's end.
void publish([[maybe_unused]] void* address) {
#if defined(KINDRED_TELL_THREAD_SANITIZER)
  __tsan_release(address);
#endif
}
void observe([[maybe_unused]] void* address) {
#if defined(KINDRED_TELL_THREAD_SANITIZER)
  __tsan_acquire(address);
#endif
}

constexpr int kMostThreads = 1024;                // of TBB, all Workers together
constexpr unsigned int kFlushToZero = 0x8000;     // MXCSR bit 15
constexpr unsigned int kDenormalsAreZero = 0x40;  // MXCSR bit 6

// The worker number inside a for_each of this thread; -1 outside.
thread_local int current_worker = -1;

// TBB allows no more threads than cores unless told, and of several limits takes the least: one
// for the process, at the first use, so that Workers of different sizes live side by side.
void allow_more_threads_than_cores() {
  static const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                         kMostThreads);
}

// TBB starts its threads when there is work for them, and ends the process where it cannot: they
// are started here, as soon as it is known that they can be. Each waits for the others, as long as
// they may be on their way.
void start_threads(tbb::task_arena& arena, int count) {
  static std::atomic<int> started{1};
  if (count <= started) return;
  prove_threads(count - 1);  // the caller is one
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200 + 10 * count);
  std::atomic<int> here{0};
  const auto wait = [&](int) {
    ++here;
    while (here < count && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  };
  arena.execute([&] { tbb::parallel_for(0, count, 1, wait, tbb::simple_partitioner{}); });
  started = count;
}

/// Counts the tasks of one for_each, for a listener. Nobody waits to tell; the last number is told.
class TaskCount {
 public:
  TaskCount(WorkListener* listener, Index total) : listener_(listener), total_(total) {}
  void add() {
    if (listener_ == nullptr) return;
    const Index done = done_.fetch_add(1, std::memory_order_relaxed) + 1;
    const bool last = done == total_;
    const std::unique_lock lock =
        last ? std::unique_lock(telling_) : std::unique_lock(telling_, std::try_to_lock);
    if (lock.owns_lock() && done > told_) listener_->on_tasks(told_ = done, total_);
  }

 private:
  WorkListener* listener_;
  Index total_;
  std::atomic<Index> done_{0};
  std::mutex telling_;
  Index told_ = 0;
};

}  // namespace

ComputeScope::ComputeScope()
    : control_register_(_mm_getcsr()), openmp_threads_(omp_get_max_threads()) {
  _mm_setcsr(control_register_ | kFlushToZero | kDenormalsAreZero);
  omp_set_num_threads(1);
}

ComputeScope::~ComputeScope() {
  omp_set_num_threads(openmp_threads_);
  _mm_setcsr(control_register_);
}

struct KINDRED_HIDDEN Workers::Arena {
  explicit Arena(int count) : threads(count), arena(count, 1) {
    allow_more_threads_than_cores();
    start_threads(arena, std::min(count, kMostThreads));
  }

  /// A team for one call: several may come at once, each of them needs its own.
  std::unique_ptr<Team> take_team() {
    const std::lock_guard lock(mutex);
    if (teams.empty()) return std::make_unique<Team>(threads);
    std::unique_ptr<Team> team = std::move(teams.back());
    teams.pop_back();
    return team;
  }
  void give_back(std::unique_ptr<Team> team) {
    const std::lock_guard lock(mutex);
    teams.push_back(std::move(team));
  }

  int threads;
  tbb::task_arena arena;
  WorkListener* listener = nullptr;
  std::mutex mutex;
  std::vector<std::unique_ptr<Team>> teams;  // not in use
};

Workers::Workers(int threads)
    : arena_(std::make_unique<Arena>(threads > 0 ? threads : default_threads())) {}
Workers::~Workers() = default;

int Workers::threads() const { return arena_->threads; }
void Workers::tell(WorkListener* listener) { arena_->listener = listener; }

void Workers::for_each(Index count, FunctionRef<void(Index, int)> task, Idle idle) const {
  if (count <= 0) return;
  const bool alone = count == 1 && idle == Idle::waits;
  if (current_worker >= 0 || arena_->threads == 1 || alone) {
    ComputeScope scope;
    const int outer = current_worker;
    current_worker = std::max(outer, 0);
    TaskCount done(outer < 0 ? arena_->listener : nullptr, count);
    try {
      for (Index i = 0; i < count; ++i) {
        task(i, current_worker);
        done.add();
      }
    } catch (...) {
      current_worker = outer;
      throw;
    }
    current_worker = outer;
    return;
  }
  // One lane for each thread; a lane takes the next task number until none is left. The lane's
  // number is the worker number, so that scratch indexed by it is never shared.
  std::atomic<Index> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  TaskCount done(arena_->listener, count);
  const auto take_tasks = [&](int worker) {
    try {
      for (Index i; !failed.load(std::memory_order_relaxed) &&
                    (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
        task(i, worker);
        done.add();
      }
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  };
  std::unique_ptr<Team> team = idle == Idle::helps ? arena_->take_team() : nullptr;
  const auto lane = [&](int worker) {
    observe(&next);
    ComputeScope scope;
    current_worker = worker;
    if (team) {
      team->join(worker, [&] { take_tasks(worker); });
    } else {
      take_tasks(worker);
    }
    current_worker = -1;
    publish(&failed);
  };
  publish(&next);
  const auto lanes =
      team ? arena_->threads : static_cast<int>(std::min<Index>(count, arena_->threads));
  arena_->arena.execute([&] { tbb::parallel_for(0, lanes, 1, lane, tbb::simple_partitioner{}); });
  observe(&failed);
  if (team) arena_->give_back(std::move(team));
  if (error) std::rethrow_exception(error);
}

void Workers::for_blocks(Index count, Index block, FunctionRef<void(Index, Index, int)> task,
                         Idle idle) const {
  const auto block_task = [&](Index i, int worker) {
    task(i * block, std::min(count, (i + 1) * block), worker);
  };
  for_each(blocks_of(count, block), block_task, idle);
}

void Workers::share(Index count, FunctionRef<void(Index, int)> part) {
  const int worker = std::max(current_worker, 0);
  if (count > 1 && Team::share(count, part, worker)) return;
  for (Index i = 0; i < count; ++i) part(i, worker);
}

int Workers::default_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int affinity = sched_getaffinity(0, sizeof(set), &set) == 0
                           ? CPU_COUNT(&set)
                           : static_cast<int>(std::thread::hardware_concurrency());
  return cgroup_limits().whole_cpus(std::max(1, affinity));
}

}  // namespace kindred
