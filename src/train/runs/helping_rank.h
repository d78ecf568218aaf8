#pragma once
#include <memory>

#include "kindred/train/run.h"

namespace kindred {

/// A run's steps on a rank that has neither folder nor log: it computes its share of each step and
/// of each evaluation, as rank 0's Run goes on.
RunResult help_run(Recipe recipe, std::unique_ptr<Dataset>&& dataset, const RunOptions& options,
                   RunObserver& observer);

}  // namespace kindred
