#pragma once
#include <string>
#include <vector>

#include "kindred/train/setup.h"
#include "train/runs/run_folder.h"

namespace kindred {

/// Where a run stands before its first step.
struct PlanState {
  const Setup* setup;
  Index step;  ///< steps done
  bool resumed;
};

/// What to tell where there is less to do than asked for, or nothing: steps beyond the planned end,
/// a run that is finished or has done what train.steps asks. May be empty.
std::vector<std::string> plan_notes(const PlanState& plan, const RunFolder& folder);

/// What to tell of a resumed run whose data holds samples that the fingerprint does not cover; ""
/// where it covers all.
std::string unchecked_note(const Setup& setup);

/// What to tell where the checkpoint that a run goes on from was made at another level of
/// instruction sets than this process runs at; "" where it was not, or does not say.
std::string level_note(const std::string& checkpoint, const std::string& level);

/// What to tell of a folder whose file system locks no files, `reason` being the system's.
std::string unlocked_note(const RunFolder& folder, const std::string& reason);

}  // namespace kindred
