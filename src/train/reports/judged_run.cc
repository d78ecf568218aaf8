#include "train/reports/judged_run.h"

#include <fmt/format.h>

#include <map>

#include "eval/scores/grouped.h"
#include "kindred/train/embedder.h"
#include "train/reports/run_curves.h"

namespace kindred {
namespace {

constexpr Index kBootstrap = 1000;
constexpr std::size_t kGlanced = 400;  // samples

std::vector<Index> judged_samples(RunToShow& run, std::string& split) {
  if (!run.dataset->has_labels()) return {};
  split = "test";
  if (last_evaluation(run.log, split) != nullptr) return run.dataset->samples_of(Split::test);
  split = "validation";
  return training_set_of(run).validation_samples;
}

JudgedRun measure(RunToShow& run, std::vector<Index> samples, const std::string& split,
                  Index bootstrap, const Workers& workers) {
  JudgedRun judged;
  judged.samples = std::move(samples);
  judged.embeddings = Embedder(*run.model, workers).embed(*run.dataset, judged.samples);
  for (const Index sample : judged.samples) {
    judged.labels.push_back(run.dataset->labels()[static_cast<std::size_t>(sample)]);
  }
  judged.options.leave_one_out = true;
  judged.options.bootstrap = bootstrap;
  judged.options.per_query = true;
  judged.result = evaluate_retrieval(workers, judged.embeddings, judged.labels, judged.embeddings,
                                     judged.labels, judged.options);
  judged.what =
      fmt::format("{} {} samples of {} classes", grouped(static_cast<Index>(judged.samples.size())),
                  split, grouped(static_cast<Index>(judged.result.classes.size())));
  return judged;
}

}  // namespace

std::optional<JudgedRun> judge_run(RunToShow& run, const Workers& workers,
                                   ReportProgress progress) {
  if (!run.missing.empty()) return std::nullopt;
  std::string split;
  std::vector<Index> samples = judged_samples(run, split);
  if (samples.empty()) {
    run.missing = "its data set has no test or validation samples";
    return std::nullopt;
  }
  progress(fmt::format("{}: embedding {} {} samples", run.name,
                       grouped(static_cast<Index>(samples.size())), split));
  return measure(run, std::move(samples), split, kBootstrap, workers);
}

std::optional<JudgedRun> glance_at_run(RunToShow& run, const Workers& workers) {
  if (!run.missing.empty() || !run.dataset->has_labels()) return std::nullopt;
  std::map<std::int64_t, std::vector<Index>> classes;
  for (const Index sample : training_set_of(run).validation_samples) {
    classes[run.dataset->labels()[static_cast<std::size_t>(sample)]].push_back(sample);
  }
  std::vector<Index> samples;
  for (const auto& [label, members] : classes) {
    if (members.size() < 2 || samples.size() + members.size() > kGlanced) continue;
    samples.insert(samples.end(), members.begin(), members.end());
  }
  if (samples.empty()) return std::nullopt;
  return measure(run, std::move(samples), "validation", 0, workers);
}

void add_judged_pictures(const RunToShow& run, const JudgedRun& judged, const Workers& workers,
                         Report& report) {
  std::vector<Index> shown;
  for (const Index row : report.samples.rows) {
    shown.push_back(judged.samples[static_cast<std::size_t>(row)]);
  }
  add_report_pictures(workers, *run.dataset, shown, report.samples);
}

std::vector<std::string> judged_names(const RunToShow& run, const JudgedRun& judged) {
  std::vector<std::string> names;
  if (run.dataset->paths().empty()) return names;
  for (const Index sample : judged.samples) {
    names.push_back(run.dataset->paths()[static_cast<std::size_t>(sample)]);
  }
  return names;
}

}  // namespace kindred
