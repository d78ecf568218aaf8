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

/// Pictures of the samples that a page shows, `shown` of the data set in the page's order: small
/// ones of all, as far as they stay small together, larger ones of the first samples.close. None
/// where the data set holds no images.
void add_report_pictures(const Workers& workers, const Dataset& dataset,
                         std::span<const Index> shown, ReportSamples& samples);

/// The run for TensorBoard: its curves as a file of events, whose time is that of training, and
/// where there is an embedding, a folder for its projector (vectors, classes and paths, pictures).
/// `folder` is made, or is that of an earlier call, whose files go; one that holds anything else
/// fails with usage.
void write_tensorboard(const std::string& run, const std::string& folder, const Workers& workers,
                       ReportProgress progress);

}  // namespace kindred
