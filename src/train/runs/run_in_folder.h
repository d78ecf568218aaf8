#pragma once
#include <memory>

#include "kindred/train/run.h"

namespace kindred {

/// A run on the rank that has its folder: 0. REQUIRES: options.group is there.
RunResult train_in_folder(Recipe recipe, std::unique_ptr<Dataset> dataset,
                          const RunOptions& options, RunObserver& observer);

}  // namespace kindred
