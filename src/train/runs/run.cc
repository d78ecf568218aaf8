#include "kindred/train/run.h"

#include <fmt/format.h>

#include "core/host_name.h"
#include "kindred/core/error.h"
#include "train/runs/helping_rank.h"
#include "train/runs/run_in_folder.h"

namespace kindred {
namespace {

/// As the rank that this process is.
RunResult train_by(Recipe recipe, std::unique_ptr<Dataset> dataset, RunOptions options,
                   RunObserver& observer) {
  SoloGroup solo;
  if (options.group == nullptr) options.group = &solo;
  try {
    return options.group->rank() == 0
               ? train_in_folder(std::move(recipe), std::move(dataset), options, observer)
               : help_run(std::move(recipe), std::move(dataset), options, observer);
  } catch (const Error& error) {
    options.group->end_by(error);
    const int rank = options.group->rank();
    if (rank == 0) throw;
    // Rank 0 could not say it.
    fail(error.kind(), fmt::format("rank {} on {}: {}", rank, host_name(), error.what()));
  }
}

}  // namespace

RunResult run_training(Recipe recipe, const RunOptions& options, RunObserver& observer) {
  return train_by(std::move(recipe), nullptr, options, observer);
}

RunResult run_training(Recipe recipe, std::unique_ptr<Dataset> dataset, const RunOptions& options,
                       RunObserver& observer) {
  return train_by(std::move(recipe), std::move(dataset), options, observer);
}

}  // namespace kindred
