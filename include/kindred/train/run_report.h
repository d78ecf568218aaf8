#pragma once
#include <span>
#include <string>

#include "kindred/core/export.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/parallel.h"
#include "kindred/data/dataset.h"
#include "kindred/eval/report.h"

namespace KINDRED_API kindred {

/// Hears what is being done, line by line.
using ReportProgress = FunctionRef<void(const std::string&)>;

/// Everything a page shows of a run folder: curves from metrics.jsonl, and, with the model that was
/// kept, the embedding of the samples it was judged on: split 2 where the run has looked at it,
/// else the validation samples. Without model or data set the curves only; the page's notes say
/// why. `compare` names another run's folder, or is empty: its curves and final numbers stand
/// beside. The same for any number of threads.
/// Fails with no_input where a folder holds no run, with data where a file of it is damaged.
Report describe_run(const std::string& folder, const std::string& compare, const Workers& workers,
                    ReportProgress progress);

/// Small pictures of the samples of a data set, in the order in which a page numbers them; none
/// where it holds no images.
ReportPictures report_pictures(const Workers& workers, const Dataset& dataset,
                               std::span<const Index> samples);

}  // namespace kindred
