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

/// Which samples of a run that is resumed nobody compared with the checkpoint's: the fingerprint
/// covers what opening the data has read. "" where that is all.
std::string unchecked_note(const Setup& setup);

}  // namespace kindred
