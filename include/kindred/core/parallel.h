#pragma once
#include <memory>

#include "kindred/core/export.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

/// Sets this thread up for reproducible arithmetic while in scope: denormals flushed to zero on
/// input and output, and OpenMP (oneDNN's runtime) held to one thread. Restores both on the way
/// out. Entered by every worker, by reader threads and by the caller of Workers::for_each.
class ComputeScope {
 public:
  ComputeScope();
  ~ComputeScope();
  ComputeScope(const ComputeScope&) = delete;
  ComputeScope& operator=(const ComputeScope&) = delete;

 private:
  unsigned int control_register_;
  int openmp_threads_;
};

/// Hears how far the work of some Workers has come. Called by one thread at a time, which may be
/// any of theirs, between two tasks; must not throw.
class WorkListener {
 public:
  virtual ~WorkListener() = default;
  /// Of the tasks of one for_each so many are done, all in the end; the next begins anew.
  virtual void on_tasks(Index done, Index total) = 0;
};

/// What an idle worker does while others finish.
enum class Idle {
  waits,
  helps,  ///< takes part in what they share; takes a core's time even where there is nothing
};

/// A fixed number of threads (the caller counts as one) that run independent tasks.
///
/// What is computed must not depend on which worker runs a task, nor on how many there are: a
/// task owns what it writes. Work is handed out in order of the task number.
class Workers {
 public:
  /// threads >= 1, or 0 for default_threads(). More threads than cores is allowed. Fails with
  /// system where the system refuses so many.
  explicit Workers(int threads = 0);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int threads() const;

  /// From now on `listener` is told of every for_each that is not inside of another; nullptr:
  /// nobody is. REQUIRES: no work is under way; the listener outlives it.
  void tell(WorkListener* listener);

  /// Runs task(i, worker) for i in [0, count), worker in [0, threads()), and waits for all. Two
  /// tasks that run at once have different `worker`s: scratch is indexed by it. The first
  /// exception is rethrown here. May be called from inside a task (the inner tasks then run one
  /// after the other in the caller, with the caller's worker number).
  void for_each(Index count, FunctionRef<void(Index task, int worker)> task,
                Idle idle = Idle::waits) const;

  /// Cuts [0, count) into blocks of `block` (the last may be shorter) and runs
  /// task(begin, end, worker) for each. `block` is the caller's constant: never derived from the
  /// number of threads.
  void for_blocks(Index count, Index block,
                  FunctionRef<void(Index begin, Index end, int worker)> task,
                  Idle idle = Idle::waits) const;

  /// From inside a task: runs part(i, worker) for i in [0, count), and waits for all. Idle workers
  /// of the task's for_each, if they help, take parts too; elsewhere the caller runs them in order.
  /// Parts that run at once have different `worker`s. share() inside a part runs serially.
  /// The first exception is rethrown here.
  static void share(Index count, FunctionRef<void(Index part, int worker)> part);

  /// What the process may use: the smaller of its CPU affinity and of the CPU quotas of its control
  /// group and those above it, whole CPUs of them, >= 1.
  static int default_threads();

 private:
  struct Arena;
  std::unique_ptr<Arena> arena_;
};

}  // namespace kindred
