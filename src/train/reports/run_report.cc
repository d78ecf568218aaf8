#include "kindred/train/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "eval/scores/grouped.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/data/pictures.h"
#include "kindred/eval/report_sections.h"
#include "kindred/train/model.h"
#include "train/reports/judged_run.h"
#include "train/reports/run_curves.h"
#include "train/reports/run_facts.h"
#include "train/reports/run_to_show.h"

namespace kindred {
namespace {

/// What the embedding is to be compared with: "raw pixels recall@1" among the numbers.
void add_baseline(const RunToShow& run, ReportRun& page) {
  for (const char* split : {"test", "validation"}) {
    if (last_evaluation(run.log, split) == nullptr) continue;
    const Json* line = baseline_of(run.log, split);
    if (line == nullptr) return;
    for (const char* metric : {"recall@1", "map@r"}) {
      const double value = number_in(*line, metric, -1);
      if (value < 0) continue;
      page.numbers.push_back(
          {fmt::format("{} of {}", metric, line->at("baseline").get<std::string>()), value});
      if (std::string(metric) == "recall@1") {
        page.baselines.push_back({line->at("baseline").get<std::string>(), value});
      }
    }
    return;
  }
}

ReportRun page_of(RunToShow& run, const std::optional<JudgedRun>& judged) {
  ReportRun page;
  page.name = run.name;
  page.facts = facts_of_run(run);
  add_data(run, page);
  page.settings = run.settings;
  page.recipe = run.recipe_text;
  page.command = fmt::format("kindred train recipe.toml --out runs/{}", run.name);
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

void describe_embedding(const RunToShow& run, const JudgedRun& judged, const Workers& workers,
                        ReportProgress progress, Report& report) {
  const std::vector<std::string> names = judged_names(run, judged);
  progress(fmt::format("{}: drawing the map and choosing what to show", run.name));
  const DescribedRows rows{judged.embeddings, judged.labels, names};
  describe_retrieval(workers, rows, rows, judged.options, judged.result, run.dataset->class_names(),
                     report);
  add_judged_pictures(run, judged, workers, report);
  if (run.model->threshold && report.pairs) {
    report.pairs->thresholds.push_back({"the model's own", *run.model->threshold});
  }
}

ReportPictures as_pictures(PictureSheets sheets) {
  return {.width = sheets.width,
          .height = sheets.height,
          .columns = sheets.columns,
          .per_sheet = sheets.per_sheet,
          .count = sheets.count,
          .ink = sheets.ink,
          .sheets = std::move(sheets.sheets)};
}

}  // namespace

void add_report_pictures(const Workers& workers, const Dataset& dataset,
                         std::span<const Index> shown, ReportSamples& samples) {
  PictureOptions small;
  small.most_bytes = Index{11} << 19;
  small.jpeg_quality = 80;
  samples.pictures = as_pictures(picture_sheets(workers, dataset, shown, small));
  const Shape& shape = dataset.shape();
  if (std::max(shape.height, shape.width) <= small.largest_side) return;
  PictureOptions large;
  large.largest_side = 128;
  large.per_sheet = 64;
  large.most_bytes = Index{9} << 19;
  large.jpeg_quality = 88;
  const auto close = static_cast<std::size_t>(samples.close);
  samples.large = as_pictures(picture_sheets(workers, dataset, shown.first(close), large));
}

Report describe_run(const std::string& folder, const std::string& compare, const Workers& workers,
                    ReportProgress progress) {
  if (folder.empty()) fail(ErrorKind::usage, "the run folder's name is empty");
  std::vector<RunToShow> runs;
  runs.push_back(read_run_to_show(folder));
  if (!compare.empty()) {
    runs.push_back(read_run_to_show(compare));
    if (runs[0].name == runs[1].name) {
      runs[0].name = folder;
      runs[1].name = compare;
    }
  }
  Report report;
  std::vector<std::string> measured;
  for (RunToShow& run : runs) {
    const std::optional<JudgedRun> judged = judge_run(run, workers, progress);
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
