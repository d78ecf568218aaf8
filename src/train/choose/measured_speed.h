#pragma once
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/data/work_observer.h"

namespace kindred {

/// How fast a recipe trains.
struct MeasuredSpeed {
  double images_per_second = 0;
  Index batch = 0;
};

/// Trains some steps of `recipe`, after `assignments`, for about so many seconds, with nothing
/// written; for 0 seconds none, but all that a run begins with is made, and what does not fit
/// found. `folder` is what its paths are relative to. Fails as read_setup() and Trainer do, and
/// with Interrupted.
MeasuredSpeed measure_speed(const std::string& recipe, const std::string& folder,
                            const std::vector<std::string>& assignments, double seconds,
                            const Workers& workers, WorkObserver& observer);

}  // namespace kindred
