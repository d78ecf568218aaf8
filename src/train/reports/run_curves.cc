#include "train/reports/run_curves.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "train/runs/collapse_watch.h"

namespace kindred {
namespace {

bool is_step(const Json& line) { return line.contains("loss") && line["loss"].is_number(); }

bool is_evaluation(const Json& line, const std::string& split) {
  return line.contains("split") && line["split"] == split;
}

// A step's numbers that are losses: the sum, and each by its name; what a loss says of itself has a
// dot in its name.
bool is_loss(const std::string& key) {
  static const std::set<std::string> kOthers = {
      "step",           "learning_rate",        "gradient_norm",
      "embedding_norm", "between_class_cosine", "train_seconds"};
  return !kOthers.contains(key) && key.find('.') == std::string::npos;
}

void append(std::vector<ReportSeries>& series, const std::string& name, ReportChart chart,
            double step, const Json& value) {
  constexpr std::size_t kMost = 256;  // a chart of more says nothing, and each is looked up here
  if (!value.is_number()) return;
  auto own = std::find_if(series.begin(), series.end(), [&](const ReportSeries& one) {
    return one.name == name && one.chart == chart;
  });
  if (own == series.end() && series.size() >= kMost) return;
  if (own == series.end()) own = series.insert(own, {name, chart, {}, {}});
  own->steps.push_back(step);
  own->values.push_back(value.get<double>());
}

}  // namespace

std::vector<ReportSeries> run_curves(const std::vector<Json>& lines) {
  std::vector<ReportSeries> series;
  for (const Json& line : lines) {
    const double step = line["step"].get<double>();
    if (is_step(line)) {
      for (const auto& [key, value] : line.items()) {
        if (is_loss(key)) append(series, key, ReportChart::loss, step, value);
      }
      if (line.contains("between_class_cosine")) {
        append(series, "cosine between classes (training)", ReportChart::evaluation, step,
               line["between_class_cosine"]);
      }
      if (line.contains("learning_rate")) {
        append(series, "learning rate", ReportChart::learning_rate, step, line["learning_rate"]);
      }
    }
    for (const char* split : {"validation", "training"}) {
      if (!is_evaluation(line, split)) continue;
      for (const char* metric : {"recall@1", "map@r"}) {
        if (!line.contains(metric)) continue;
        append(series, std::string(split) + " " + metric, ReportChart::evaluation, step,
               line[metric]);
      }
    }
  }
  // One loss: its sum says the same.
  const auto losses = std::count_if(series.begin(), series.end(), [](const ReportSeries& one) {
    return one.chart == ReportChart::loss;
  });
  if (losses == 2) {
    std::erase_if(series, [](const ReportSeries& one) { return one.name == "loss"; });
  }
  return series;
}

const Json* last_evaluation(const std::vector<Json>& lines, const std::string& split) {
  const auto found = std::find_if(lines.rbegin(), lines.rend(),
                                  [&](const Json& line) { return is_evaluation(line, split); });
  return found == lines.rend() ? nullptr : &*found;
}

const Json* baseline_of(const std::vector<Json>& lines, const std::string& split) {
  const auto found = std::find_if(lines.rbegin(), lines.rend(), [&](const Json& line) {
    return line.contains("baseline_split") && line["baseline_split"] == split &&
           line.contains("baseline") && line["baseline"].is_string();
  });
  return found == lines.rend() ? nullptr : &*found;
}

std::string collapse_in(const std::vector<Json>& lines) {
  CollapseWatch watch;
  for (const Json& line : lines) {
    watch.look(line["step"].get<Index>(), number_in(line, "between_class_cosine", std::nan("")));
  }
  return watch.collapsed() ? watch.text() : std::string();
}

std::vector<ReportNumber> numbers_of_evaluation(const Json& line) {
  static const std::set<std::string> kOthers = {
      "step", "split", "queries_used", "queries_without_match", "train_seconds", "best"};
  std::vector<ReportNumber> numbers;
  for (const auto& [key, value] : line.items()) {
    if (!kOthers.contains(key) && value.is_number()) numbers.push_back({key, value.get<double>()});
  }
  return numbers;
}

double kept_step(const std::vector<Json>& lines) {
  double step = -1;
  for (const Json& line : lines) {
    if (line.contains("best") && line["best"] == true) step = line["step"].get<double>();
  }
  return step;
}

}  // namespace kindred
