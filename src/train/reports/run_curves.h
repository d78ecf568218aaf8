#pragma once
#include <string>
#include <vector>

#include "kindred/eval/report.h"
#include "train/runs/run_log.h"

namespace kindred {

/// The curves that a run's log holds: each loss, the validation's recall@1 and map@r, the learning
/// rate.
std::vector<ReportSeries> run_curves(const std::vector<Json>& lines);

/// The last evaluation of `split` in the log, or null.
const Json* last_evaluation(const std::vector<Json>& lines, const std::string& split);

/// What the samples of `split` are worth without a network, or null: its metrics, and as "baseline"
/// what was compared ("raw pixels").
const Json* baseline_of(const std::vector<Json>& lines, const std::string& split);

/// What to tell where the embeddings were at one point when the log ends; else "".
std::string collapse_in(const std::vector<Json>& lines);

/// An evaluation's metrics.
std::vector<ReportNumber> numbers_of_evaluation(const Json& line);

/// The step at which the model was kept, or -1.
double kept_step(const std::vector<Json>& lines);

}  // namespace kindred
