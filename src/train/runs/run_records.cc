#include "train/runs/run_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kindred/core/cpu.h"
#include "kindred/core/cpu_name.h"
#include "kindred/core/text.h"

namespace kindred {

Json record_of(const StepReport& report, double train_seconds) {
  Json line;
  line["step"] = report.step;
  line["loss"] = report.loss;
  for (const LossReport& loss : report.losses) {
    line[loss.name] = loss.value;
    if (loss.weight != 1 || loss.scheduled) line[loss.name + ".weight"] = loss.weight;
    for (const LossScalar& scalar : loss.scalars) {
      line[fmt::format("{}.{}", loss.name, scalar.name)] = scalar.value;
    }
  }
  line["learning_rate"] = report.learning_rate;
  line["gradient_norm"] = report.gradient_norm;
  line["embedding_norm"] = report.embedding_norm;
  if (std::isfinite(report.between_class_cosine)) {
    line["between_class_cosine"] = report.between_class_cosine;
  }
  line["train_seconds"] = train_seconds;
  return line;
}

Json record_of(const Evaluation& evaluation, double train_seconds) {
  Json line;
  line["step"] = evaluation.step;
  line["split"] = evaluation.split;
  for (const MetricValue& metric : evaluation.result.metrics) line[metric.name] = metric.value;
  line["queries_used"] = evaluation.result.queries_used;
  line["queries_without_match"] = evaluation.result.queries_without_match;
  line["train_seconds"] = train_seconds;
  if (evaluation.split == "validation") line["best"] = evaluation.best;
  return line;
}

Json record_of_baseline(const Evaluation& evaluation) {
  Json line;
  line["step"] = evaluation.step;
  line["baseline"] = evaluation.baseline_of;
  line["baseline_split"] = evaluation.split;
  for (const MetricValue& metric : evaluation.baseline) line[metric.name] = metric.value;
  return line;
}

Json record_of_training(Index step, const RetrievalResult& result) {
  Json line = {{"step", step}, {"split", "training"}};
  for (const char* metric : {"recall@1", "map@r"}) line[metric] = result[metric];
  line["queries_used"] = result.queries_used;
  return line;
}

Json record_of_machine(Index step, const Setup& setup, const Workers& workers) {
  return {{"step", step},
          {"machine", valid_utf8(cpu_name())},
          {"level", std::string(name_of(isa()))},
          {"threads", workers.threads()},
          {"batch", setup.sampler->batch()}};
}

bool holds_machine(const std::vector<Json>& lines, const Json& machine) {
  const auto last = std::find_if(lines.rbegin(), lines.rend(),
                                 [](const Json& line) { return line.contains("machine"); });
  if (last == lines.rend()) return false;
  // Threads are those it began with: a run is the same with any number of them.
  Json before = *last;
  for (const char* key : {"step", "threads"}) before[key] = machine[key];
  return before == machine;
}

}  // namespace kindred
