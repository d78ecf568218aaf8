#pragma once
#include <string>
#include <vector>

#include "kindred/eval/report.h"
#include "train/reports/run_to_show.h"

namespace kindred {

/// What a run is: its data, network, losses, length, machine and speed.
std::vector<ReportFact> facts_of_run(const RunToShow& run);

/// Which samples it was trained, chosen and judged on, what was left out, and what was guessed.
void add_data(RunToShow& run, ReportRun& page);

}  // namespace kindred
