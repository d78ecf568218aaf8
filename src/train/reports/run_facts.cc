#include "train/reports/run_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "eval/scores/grouped.h"
#include "kindred/core/text.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

ReportDataRow row_of(const std::string& name, const Dataset& dataset,
                     const std::vector<Index>& samples) {
  ReportDataRow row{name, static_cast<Index>(samples.size()), 0};
  std::set<std::int64_t> classes;
  if (dataset.has_labels()) {
    for (const Index sample : samples) {
      classes.insert(dataset.labels()[static_cast<std::size_t>(sample)]);
    }
  }
  row.classes = static_cast<Index>(classes.size());
  return row;
}

}  // namespace

std::vector<ReportFact> facts_of_run(const RunToShow& run) {
  std::vector<ReportFact> facts;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) facts.push_back({name, value});
  };
  if (run.recipe) {
    add("data", fs::path(path_of_text(value_of(*run.recipe, "data.file"))).filename().string());
    add("architecture", value_of(*run.recipe, "model.architecture"));
    std::string losses;
    for (int i = 0;; ++i) {
      const std::string loss = value_of(*run.recipe, fmt::format("loss.{}.name", i));
      if (loss.empty()) break;
      losses += (losses.empty() ? "" : " + ") + loss;
    }
    add("losses", losses);
    add("seed", value_of(*run.recipe, "seed"));
  }
  std::string machine;
  double batch = 0;
  Index last = 0;
  double seconds = 0;
  for (const Json& line : run.log) {
    last = std::max(last, line["step"].get<Index>());
    seconds = number_in(line, "train_seconds", seconds);
  }
  add("steps", grouped(last));
  add("training time",
      seconds >= 90 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.0f} s", seconds));
  for (const Json& line : run.log) {
    if (!line.contains("machine") || !line["machine"].is_string()) continue;
    const auto threads = static_cast<Index>(number_in(line, "threads", 1));
    machine = fmt::format("{}, {} thread{}", line["machine"].get<std::string>(), threads,
                          threads == 1 ? "" : "s");
    batch = number_in(line, "batch");
  }
  add("machine", machine);
  if (batch > 0 && seconds > 0 && last > 0) {
    const double speed = static_cast<double>(last) * batch / seconds;
    add("speed", fmt::format("{} samples/s", grouped(std::llround(std::min(speed, 1e12)))));
  }
  if (run.model) {
    add("parameters", grouped(run.model->table.size()));
    add("model", run.model->fingerprint.substr(0, 8));
  }
  return facts;
}

void add_data(RunToShow& run, ReportRun& page) {
  if (!run.dataset || !run.recipe || !run.dataset->has_labels()) return;
  const Dataset& dataset = *run.dataset;
  const TrainingSet set = training_set_of(run);
  std::vector<Index> trained;
  for (const TrainingSet::Entry& entry : set.entries) {
    if (entry.turns == 0) trained.push_back(entry.sample);
  }
  const std::vector<Index> test = dataset.samples_of(Split::test);
  std::vector<bool> used(static_cast<std::size_t>(dataset.size()), false);
  const std::vector<Index>* const all[] = {&trained, &set.validation_samples, &test};
  for (const std::vector<Index>* samples : all) {
    for (const Index sample : *samples) used[static_cast<std::size_t>(sample)] = true;
  }
  std::vector<Index> left;
  for (Index i = 0; i < dataset.size(); ++i) {
    if (!used[static_cast<std::size_t>(i)]) left.push_back(i);
  }
  page.data.push_back(row_of("training", dataset, trained));
  page.data.push_back(row_of("validation", dataset, set.validation_samples));
  page.data.push_back(row_of("test", dataset, test));
  if (!left.empty()) page.data.push_back(row_of("left out", dataset, left));
  std::erase_if(page.data, [](const ReportDataRow& row) { return row.samples == 0; });
  page.data_notes = dataset.notes();
}

}  // namespace kindred
