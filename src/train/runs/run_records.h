#pragma once
#include "core/texts/json_text.h"
#include "kindred/train/run.h"

namespace kindred {

/// Lines of metrics.jsonl.
Json record_of(const StepReport& report, double train_seconds);
Json record_of(const Evaluation& evaluation, double train_seconds);
/// What the same samples are worth without a network.
Json record_of_baseline(const Evaluation& evaluation);

}  // namespace kindred
