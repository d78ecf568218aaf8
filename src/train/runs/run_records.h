#pragma once
#include "core/texts/json_text.h"
#include "kindred/train/run.h"

namespace kindred {

/// Lines of metrics.jsonl.
Json record_of(const StepReport& report, double train_seconds);
Json record_of(const Evaluation& evaluation, double train_seconds);
/// What the same samples are worth without a network.
Json record_of_baseline(const Evaluation& evaluation);

/// Of training samples beside a validation: "split" is "training".
Json record_of_training(Index step, const RetrievalResult& result);
/// What the run is computed on, with "machine", "level", "threads" and "batch".
Json record_of_machine(Index step, const Setup& setup, const Workers& workers);
/// Whether the last such line says the same, whatever its step and number of threads.
bool holds_machine(const std::vector<Json>& lines, const Json& machine);

}  // namespace kindred
