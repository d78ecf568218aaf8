#pragma once
#include <atomic>
#include <exception>
#include <memory>

#include "kindred/core/function_ref.h"
#include "kindred/core/index.h"

namespace kindred {

/// A loop inside of a task whose parts others may take: its owner opens it, takes part after part,
/// closes it and waits for those who helped. Where nobody helps that costs a few atomic operations.
class alignas(64) SharedLoop {
 public:
  using Part = FunctionRef<void(Index part, int worker)>;

  /// The owner's call.
  void run(Index count, Part part, int owner);
  /// True when parts were taken.
  bool help(int worker);

 private:
  void take_parts(int worker);

  std::atomic<bool> open_{false};
  std::atomic<int> helpers_{0};  // who look at it; it stays as it is until they have gone
  std::atomic<Index> next_{0};
  std::atomic<Index> count_{0};
  const Part* part_ = nullptr;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

/// The workers of a for_each of which the idle ones help (Idle::helps), for the length of one call.
class Team {
 public:
  explicit Team(int workers);

  /// A worker's share of the call: `work` takes tasks until none is left, then the worker helps the
  /// others until they have finished theirs. `work` must not throw.
  void join(int worker, FunctionRef<void()> work);

  /// Runs parts in the calling task's team. False, and nothing has been done, where the caller is
  /// in none, or runs a part itself.
  static bool share(Index count, SharedLoop::Part part, int worker);

 private:
  void help(int worker);

  int workers_;
  std::unique_ptr<SharedLoop[]> loops_;  // one a worker
  std::atomic<int> working_{0};          // on tasks
};

}  // namespace kindred
