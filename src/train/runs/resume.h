#pragma once
#include <string>

#include "kindred/train/checkpoint.h"
#include "kindred/train/run.h"
#include "train/runs/run_folder.h"

namespace kindred {

/// From where a resumed run goes on.
struct Resumed {
  std::string checkpoint;  ///< relative to the run folder; "": none, it begins at step 0
  RunMemory memory;        ///< of the checkpoint
  std::string level;       ///< of instruction sets; "" where the checkpoint does not say
};

/// Overwrites `training` by the newest acknowledged checkpoint that is sound and fits; older ones
/// than the newest are a warning to `observer`. `asked` has the recipe and the data that the run is
/// to go on with. Begins at step 0 where a run was ended before its first checkpoint. Writes
/// nothing. Fails as run_training says.
Resumed resume_training(const RunFolder& folder, const RunMemory& asked, TrainingState& training,
                        RunObserver& observer);

}  // namespace kindred
