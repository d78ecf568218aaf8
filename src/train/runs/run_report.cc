#include "kindred/train/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "eval/scores/grouped.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/core/recipe.h"
#include "kindred/core/text.h"
#include "kindred/data/pictures.h"
#include "kindred/data/training_set.h"
#include "kindred/eval/report_sections.h"
#include "kindred/train/embedder.h"
#include "kindred/train/model.h"
#include "train/runs/run_curves.h"
#include "train/runs/run_folder.h"
#include "train/runs/run_log.h"

namespace kindred {
namespace {

namespace fs = std::filesystem;

constexpr Index kBootstrap = 1000;

/// What a run folder holds, as far as its files are there.
struct RunFiles {
  std::string name;
  std::vector<Json> log;
  std::optional<Recipe> recipe;
  std::unique_ptr<Model> model;
  std::unique_ptr<Dataset> dataset;
  std::string missing;  ///< why there is no embedding; empty where there is
};

/// The samples a run is judged on, embedded and measured.
struct Judged {
  std::string what;  ///< "13180 test samples of 659 classes"
  std::vector<Index> samples;
  Matrix embeddings;
  std::vector<std::int64_t> labels;
  RetrievalOptions options;
  RetrievalResult result;
};

std::string name_of_run(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// "FILE.h5:/group" without its group.
std::string file_part(const std::string& path) {
  const std::size_t group = path.find(":/");
  return group == std::string::npos ? path : path.substr(0, group);
}

RunFiles read_run(const std::string& path) {
  const RunFolder folder(path);
  if (!is_folder(path)) {
    fail(ErrorKind::no_input, path + ": is not a run folder; name one that kindred train wrote");
  }
  if (!exists(folder.log())) {
    fail(ErrorKind::no_input,
         path + ": holds no metrics.jsonl; name a folder that kindred train wrote");
  }
  RunFiles run;
  run.name = name_of_run(path);
  run.log = read_run_log(folder.log());
  if (run.log.empty()) fail(ErrorKind::data, folder.log() + ": holds no whole line yet");
  if (!exists(folder.recipe())) {
    run.missing = "recipe.toml is missing";
    return run;
  }
  run.recipe = Recipe::from_file(folder.recipe());
  if (!exists(folder.model())) {
    run.missing = "no model was kept yet";
    return run;
  }
  run.model = std::make_unique<Model>(read_model(folder.model()));
  std::string file;
  Section section = run.recipe->root().section("data");
  section.read("file", file, "");
  DatasetNames names;
  section.read("images", names.images, "");
  section.read("labels", names.labels, "");
  section.read("layout", names.layout, "");
  section.read("negative_labels", names.negative_labels, "");
  file = path_of_text(file);
  const fs::path data = fs::path(run.recipe->folder()) / file;
  if (file.empty() || !exists(file_part(data.string()))) {
    run.missing = "its data set " + fs::path(file).filename().string() + " is not where it was";
    return run;
  }
  run.dataset =
      std::make_unique<Dataset>(Dataset::open(data.string(), read_memory(section), names));
  return run;
}

// Split 2 was looked at once, at the end of a whole run; before that it stays unseen.
std::vector<Index> judged_samples(RunFiles& run, std::string& split) {
  if (!run.dataset->has_labels()) return {};
  split = "test";
  if (last_evaluation(run.log, split) != nullptr) return run.dataset->samples_of(Split::test);
  split = "validation";
  TrainingSetSettings settings;
  Section data = run.recipe->root().section("data");
  Index seed = 1;
  run.recipe->root().read("seed", seed, "");
  data.read("validation_classes", settings.validation_classes, "");
  data.read("min_class_size", settings.min_class_size, "");
  return make_training_set(*run.dataset, settings, static_cast<std::uint64_t>(seed))
      .validation_samples;
}

std::optional<Judged> judge(RunFiles& run, const Workers& workers, ReportProgress progress) {
  if (!run.missing.empty()) return std::nullopt;
  Judged judged;
  std::string split;
  judged.samples = judged_samples(run, split);
  if (judged.samples.empty()) {
    run.missing = "its data set has no test or validation samples";
    return std::nullopt;
  }
  progress(fmt::format("{}: embedding {} {} samples", run.name, judged.samples.size(), split));
  judged.embeddings = Embedder(*run.model, workers).embed(*run.dataset, judged.samples);
  for (const Index sample : judged.samples) {
    judged.labels.push_back(run.dataset->labels()[static_cast<std::size_t>(sample)]);
  }
  judged.options.leave_one_out = true;
  judged.options.bootstrap = kBootstrap;
  judged.options.per_query = true;
  judged.result = evaluate_retrieval(workers, judged.embeddings, judged.labels, judged.embeddings,
                                     judged.labels, judged.options);
  judged.what =
      fmt::format("{} {} samples of {} classes", grouped(static_cast<Index>(judged.samples.size())),
                  split, grouped(static_cast<Index>(judged.result.classes.size())));
  return judged;
}

// A value of the recipe as it is read, without its quotes; "" where it has none.
std::string value_of(const Recipe& recipe, const std::string& key) {
  const auto values = recipe.flat();
  const auto found = values.find(key);
  if (found == values.end()) return "";
  std::string text = found->second;
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

std::vector<ReportFact> facts_of_run(const RunFiles& run) {
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
  Index last = 0;
  double seconds = 0;
  for (const Json& line : run.log) {
    last = std::max(last, line["step"].get<Index>());
    seconds = number_in(line, "train_seconds", seconds);
  }
  add("steps", grouped(last));
  add("training time",
      seconds >= 90 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.0f} s", seconds));
  if (run.model) {
    add("parameters", grouped(run.model->table.size()));
    add("model", run.model->fingerprint.substr(0, 8));
  }
  return facts;
}

/// What the embedding is to be compared with: "raw pixels recall@1" among the numbers.
void add_baseline(const RunFiles& run, ReportRun& page) {
  for (const char* split : {"test", "validation"}) {
    if (last_evaluation(run.log, split) == nullptr) continue;
    const Json* line = baseline_of(run.log, split);
    if (line == nullptr) return;
    for (const char* metric : {"recall@1", "map@r"}) {
      const double value = number_in(*line, metric, -1);
      if (value < 0) continue;
      page.numbers.push_back(
          {fmt::format("{} of {}", metric, line->at("baseline").get<std::string>()), value});
    }
    return;
  }
}

ReportRun page_of(const RunFiles& run, const std::optional<Judged>& judged) {
  ReportRun page;
  page.name = run.name;
  page.facts = facts_of_run(run);
  page.series = run_curves(run.log);
  page.kept_step = kept_step(run.log);
  if (judged) {
    page.numbers = report_numbers(judged->result);
    page.numbers_of = judged->what;
    add_baseline(run, page);
    return page;
  }
  for (const char* split : {"test", "validation"}) {
    if (const Json* line = last_evaluation(run.log, split)) {
      page.numbers = numbers_of_evaluation(*line);
      page.numbers_of = fmt::format(
          "{} {} samples, as logged",
          grouped(static_cast<Index>(std::clamp(number_in(*line, "queries_used"), 0.0, 1e15))),
          split);
      add_baseline(run, page);
      break;
    }
  }
  return page;
}

void describe_embedding(const RunFiles& run, const Judged& judged, const Workers& workers,
                        ReportProgress progress, Report& report) {
  std::vector<std::string> names;
  if (!run.dataset->paths().empty()) {
    for (const Index sample : judged.samples) {
      names.push_back(run.dataset->paths()[static_cast<std::size_t>(sample)]);
    }
  }
  progress(fmt::format("{}: drawing the map and choosing what to show", run.name));
  const DescribedRows rows{judged.embeddings, judged.labels, names};
  describe_retrieval(workers, rows, rows, judged.options, judged.result, run.dataset->class_names(),
                     report);
  std::vector<Index> shown;
  for (const Index row : report.samples.rows) {
    shown.push_back(judged.samples[static_cast<std::size_t>(row)]);
  }
  report.samples.pictures = report_pictures(workers, *run.dataset, shown);
}

}  // namespace

ReportPictures report_pictures(const Workers& workers, const Dataset& dataset,
                               std::span<const Index> samples) {
  PictureSheets sheets = picture_sheets(workers, dataset, samples);
  return {.width = sheets.width,
          .height = sheets.height,
          .columns = sheets.columns,
          .per_sheet = sheets.per_sheet,
          .count = sheets.count,
          .ink = sheets.ink,
          .sheets = std::move(sheets.sheets)};
}

Report describe_run(const std::string& folder, const std::string& compare, const Workers& workers,
                    ReportProgress progress) {
  if (folder.empty()) fail(ErrorKind::usage, "the run folder's name is empty");
  Report report;
  std::vector<std::string> measured;
  for (const std::string& path : {folder, compare}) {
    if (path.empty()) continue;
    RunFiles run = read_run(path);
    if (!report.runs.empty() && run.name == report.runs.front().name) {
      report.runs.front().name = folder;
      run.name = compare;
    }
    const std::optional<Judged> judged = judge(run, workers, progress);
    if (!judged) {
      report.notes.push_back(fmt::format(
          "{}: only what was logged is shown, without the embedding: {}.", run.name, run.missing));
      progress(report.notes.back());
    }
    if (const std::string collapse = collapse_in(run.log); !collapse.empty()) {
      report.notes.push_back(run.name + ": " + collapse);
    }
    report.runs.push_back(page_of(run, judged));
    measured.push_back(report.runs.back().numbers_of +
                       (run.dataset ? run.dataset->path() : std::string()));
    if (judged && report.runs.size() == 1) {
      describe_embedding(run, *judged, workers, progress, report);
    }
  }
  report.title = report.runs.front().name;
  if (report.runs.size() == 2) {
    report.title += " and " + report.runs.back().name;
    if (measured.front() != measured.back()) {
      report.notes.push_back("The two runs were measured on different samples: compare with care.");
    }
  }
  return report;
}

}  // namespace kindred
