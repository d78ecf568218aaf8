#pragma once
#include <algorithm>

#include "kindred/data/sampler.h"
#include "kindred/train/setup.h"

namespace kindred {

/// When a run does what: the same at all of its ranks. REQUIRES: the setup outlives it.
class RunPlan {
 public:
  explicit RunPlan(const Setup& setup) : setup_(setup) {}

  /// This run stops after it.
  Index last_step() const {
    const Index planned = setup_.planned_steps();
    return setup_.train.steps > 0 ? std::min(planned, setup_.train.steps) : planned;
  }
  bool goes_on_after(Index step) const { return step < last_step(); }
  bool evaluates_after(Index step) const {
    // So many epochs may be more steps than an Index holds: never, then.
    return due(step, std::min(setup_.train.evaluate_every, last_step() / epoch() + 1) * epoch());
  }
  bool saves_after(Index step) const {
    return due(step, setup_.train.checkpoint_every > 0 ? setup_.train.checkpoint_every : epoch());
  }

 private:
  Index epoch() const { return setup_.sampler->steps_per_epoch(); }
  static bool due(Index step, Index every) { return every > 0 && step % every == 0; }

  const Setup& setup_;
};

}  // namespace kindred
