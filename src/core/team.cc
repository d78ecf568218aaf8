#include "core/team.h"

#include <immintrin.h>

#include <thread>
#include <utility>

namespace kindred {
namespace {

// What helpers wait for comes within microseconds; where it does not, threads may be more than
// cores, and somebody else needs this one.
constexpr int kSpins = 2000;

/// Waits a little longer from call to call.
class Patience {
 public:
  void wait() {
    if (++rounds_ < kSpins) {
      _mm_pause();
    } else {
      std::this_thread::yield();
    }
  }
  void renew() { rounds_ = 0; }

 private:
  int rounds_ = 0;
};

thread_local Team* current_team = nullptr;  // nullptr inside of parts, too

/// The team of this thread, while in scope.
class Membership {
 public:
  explicit Membership(Team* team) : outer_(current_team) { current_team = team; }
  ~Membership() { current_team = outer_; }
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

 private:
  Team* outer_;
};

}  // namespace

void SharedLoop::run(Index count, Part part, int owner) {
  part_ = &part;
  failed_.store(false, std::memory_order_relaxed);
  next_.store(0, std::memory_order_relaxed);
  count_.store(count, std::memory_order_relaxed);
  open_.store(true);
  take_parts(owner);
  // Whoever counts himself after this sees that it is closed; whoever did before is waited for.
  open_.store(false);
  for (Patience patience; helpers_.load() != 0;) patience.wait();
  if (failed_.load(std::memory_order_relaxed)) {
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

bool SharedLoop::help(int worker) {
  if (!open_.load(std::memory_order_relaxed) ||
      next_.load(std::memory_order_relaxed) >= count_.load(std::memory_order_relaxed)) {
    return false;
  }
  helpers_.fetch_add(1);
  const bool open = open_.load();
  if (open) take_parts(worker);
  helpers_.fetch_sub(1, std::memory_order_release);
  return open;
}

void SharedLoop::take_parts(int worker) {
  const Membership alone(nullptr);
  const Index count = count_.load(std::memory_order_relaxed);
  try {
    for (Index i; !failed_.load(std::memory_order_relaxed) &&
                  (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) {
      (*part_)(i, worker);
    }
  } catch (...) {
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }
}

Team::Team(int workers)
    : workers_(workers),
      loops_(std::make_unique<SharedLoop[]>(static_cast<std::size_t>(workers))) {}

void Team::join(int worker, FunctionRef<void()> work) {
  // Count ourselves first: helpers leave once the count is zero.
  working_.fetch_add(1);
  {
    const Membership member(this);
    work();
  }
  working_.fetch_sub(1);
  help(worker);
}

void Team::help(int worker) {
  Patience patience;
  while (working_.load() > 0) {
    bool helped = false;
    for (int i = 1; i < workers_; ++i) {
      helped |= loops_[static_cast<std::size_t>((worker + i) % workers_)].help(worker);
    }
    if (helped) {
      patience.renew();
    } else {
      patience.wait();
    }
  }
}

bool Team::share(Index count, SharedLoop::Part part, int worker) {
  if (current_team == nullptr) return false;
  current_team->loops_[static_cast<std::size_t>(worker)].run(count, part, worker);
  return true;
}

}  // namespace kindred
