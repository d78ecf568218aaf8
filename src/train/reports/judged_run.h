#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/retrieval.h"
#include "kindred/train/run_report.h"
#include "train/reports/run_to_show.h"

namespace kindred {

/// The samples a run is judged on, embedded and measured.
struct JudgedRun {
  std::string what;  ///< "13,180 test samples of 659 classes"
  std::vector<Index> samples;
  Matrix embeddings;
  std::vector<std::int64_t> labels;
  RetrievalOptions options;
  RetrievalResult result;
};

/// Split 2 was looked at once, at the end of a whole run; before that it stays unseen. Nothing
/// where `run.missing` says why, which it may come to say here.
std::optional<JudgedRun> judge_run(RunToShow& run, const Workers& workers, ReportProgress progress);

/// The same of some of its validation samples, whole classes: in a fraction of a second, without
/// intervals.
std::optional<JudgedRun> glance_at_run(RunToShow& run, const Workers& workers);

/// The pictures of the samples that `report` names, which are rows of the judged ones.
void add_judged_pictures(const RunToShow& run, const JudgedRun& judged, const Workers& workers,
                         Report& report);

/// The paths of the samples; empty where the data set has none.
std::vector<std::string> judged_names(const RunToShow& run, const JudgedRun& judged);

}  // namespace kindred
