#include "eval/report/report_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/texts/json_text.h"
#include "core/texts/page_text.h"

namespace kindred {
namespace {

constexpr std::size_t kMostPoints = 600;  // of a series
constexpr float kMapSize = 10000;         // coordinates are whole numbers up to this

// Six digits are more than a screen shows.
Json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr);
}

template <typename Values>
Json numbers(const Values& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(number(static_cast<double>(value)));
  return list;
}

// Long series as mean, least and greatest of spans of equal length.
Json series_json(const ReportSeries& series) {
  static constexpr const char* kCharts[] = {"loss", "evaluation", "learning_rate"};
  Json json;
  json["name"] = series.name;
  json["chart"] = kCharts[static_cast<int>(series.chart)];
  const std::size_t count = std::min(series.steps.size(), series.values.size());
  if (count <= kMostPoints) {
    json["steps"] = numbers(series.steps);
    json["values"] = numbers(series.values);
    return json;
  }
  std::vector<double> steps, means, lows, highs;
  for (std::size_t span = 0; span < kMostPoints; ++span) {
    const std::size_t begin = span * count / kMostPoints;
    const std::size_t end = (span + 1) * count / kMostPoints;
    const auto first = series.values.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = series.values.begin() + static_cast<std::ptrdiff_t>(end);
    double sum = 0;
    for (auto value = first; value != last; ++value) sum += *value;
    steps.push_back(series.steps[(begin + end - 1) / 2]);
    means.push_back(sum / static_cast<double>(end - begin));
    lows.push_back(*std::min_element(first, last));
    highs.push_back(*std::max_element(first, last));
  }
  // The ends themselves, not the middle of the first and last span.
  steps.front() = series.steps.front();
  steps.back() = series.steps[count - 1];
  json["steps"] = numbers(steps);
  json["values"] = numbers(means);
  json["lows"] = numbers(lows);
  json["highs"] = numbers(highs);
  json["spans_of"] = count;
  return json;
}

// Whole to the last digit: what is compared with it is not rounded.
Json exact(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json number_rows(const std::vector<ReportNumber>& rows) {
  Json list = Json::array();
  for (const ReportNumber& row : rows) {
    list.push_back({row.name, number(row.value), number(row.low), number(row.high)});
  }
  return list;
}

Json run_json(const ReportRun& run) {
  Json json;
  json["name"] = run.name;
  json["numbers_of"] = run.numbers_of;
  json["facts"] = Json::array();
  for (const ReportFact& fact : run.facts) json["facts"].push_back({fact.name, fact.value});
  json["numbers"] = number_rows(run.numbers);
  json["baselines"] = number_rows(run.baselines);
  json["kept_step"] = run.kept_step >= 0 ? number(run.kept_step) : Json(nullptr);
  json["series"] = Json::array();
  for (const ReportSeries& series : run.series) json["series"].push_back(series_json(series));
  json["data"] = Json::array();
  for (const ReportDataRow& row : run.data) {
    json["data"].push_back({row.name, row.samples, row.classes});
  }
  json["data_notes"] = run.data_notes;
  json["settings"] = Json::array();
  for (const ReportFact& fact : run.settings) json["settings"].push_back({fact.name, fact.value});
  json["recipe"] = run.recipe;
  json["command"] = run.command;
  return json;
}

Json pictures_json(const ReportPictures& pictures) {
  Json sheets;
  sheets["width"] = pictures.width;
  sheets["height"] = pictures.height;
  sheets["columns"] = pictures.columns;
  sheets["per_sheet"] = pictures.per_sheet;
  sheets["count"] = pictures.count;
  sheets["ink"] = pictures.ink;
  sheets["sheets"] = Json::array();
  for (const std::string& sheet : pictures.sheets) sheets["sheets"].push_back(base64(sheet));
  return sheets;
}

Json samples_json(const ReportSamples& samples) {
  Json json;
  json["classes"] = samples.classes;
  json["names"] = samples.names;
  json["pictures"] = pictures_json(samples.pictures);
  json["large"] = pictures_json(samples.large);
  return json;
}

// Whole numbers in [0, kMapSize], the same scale both ways.
Json plane_json(const Matrix& points) {
  if (points.rows() == 0) return nullptr;
  float low[2], high[2];
  for (Index c = 0; c < 2; ++c) {
    low[c] = high[c] = points(0, c);
    for (Index i = 1; i < points.rows(); ++i) {
      low[c] = std::min(low[c], points(i, c));
      high[c] = std::max(high[c], points(i, c));
    }
  }
  const float size = std::max({high[0] - low[0], high[1] - low[1], 1e-30F});
  Json json;
  for (Index c = 0; c < 2; ++c) {
    Json list = Json::array();
    const float middle = (low[c] + high[c]) / 2;
    for (Index i = 0; i < points.rows(); ++i) {
      const float place = (points(i, c) - middle) / size + 0.5F;
      list.push_back(static_cast<int>(std::lround(place * kMapSize)));
    }
    json[c == 0 ? "x" : "y"] = std::move(list);
  }
  return json;
}

Json retrieval_json(const ReportRetrieval& retrieval) {
  Json json;
  json["metric"] = retrieval.metric;
  json["score"] = retrieval.score;
  json["recall_at"] = retrieval.recall_at;
  json["recall"] = numbers(retrieval.recall);
  json["asked"] = retrieval.asked;
  json["tied"] = retrieval.tied;
  json["chance"] = number(retrieval.chance);
  json["queries"] = Json::array();
  for (const ReportQuery& query : retrieval.queries) {
    Json one;
    one["group"] = query.group;
    one["sample"] = query.sample;
    one["value"] = number(query.value);
    one["neighbors"] = Json::array();
    for (const ReportNeighbor& neighbor : query.neighbors) {
      one["neighbors"].push_back({neighbor.sample, number(neighbor.score), neighbor.right ? 1 : 0});
    }
    json["queries"].push_back(std::move(one));
  }
  return json;
}

Json pair_rows(const std::vector<ReportPair>& pairs) {
  Json list = Json::array();
  for (const ReportPair& pair : pairs) {
    list.push_back({pair.first, pair.second, number(pair.score)});
  }
  return list;
}

Json pairs_json(const ReportPairs& pairs) {
  Json json;
  json["note"] = pairs.note;
  json["score"] = pairs.score;
  json["same_total"] = pairs.same_total;
  json["different_total"] = pairs.different_total;
  json["low"] = exact(pairs.low);
  json["high"] = exact(pairs.high);
  json["same"] = pairs.same;
  json["different"] = pairs.different;
  json["numbers"] = number_rows(pairs.numbers);
  json["rates"] = Json::array();
  for (const ReportRate& rate : pairs.rates) {
    json["rates"].push_back({exact(rate.threshold), rate.different, rate.same});
  }
  json["thresholds"] = Json::array();
  for (const ReportNumber& one : pairs.thresholds) {
    json["thresholds"].push_back({one.name, exact(one.value)});
  }
  json["same_examples"] = pair_rows(pairs.same_examples);
  json["different_examples"] = pair_rows(pairs.different_examples);
  json["false_accepts"] = pair_rows(pairs.false_accepts);
  json["false_rejects"] = pair_rows(pairs.false_rejects);
  return json;
}

Json classes_json(const ReportClasses& classes) {
  Json json;
  json["columns"] = classes.columns;
  json["classes"] = classes.classes;
  json["queries"] = classes.queries;
  json["values"] = Json::array();
  for (const auto& row : classes.values) json["values"].push_back(numbers(row));
  json["confusion_note"] = classes.confusion_note;
  json["confusions"] = Json::array();
  for (const ReportConfusion& one : classes.confusions) {
    json["confusions"].push_back(
        {one.actual, one.taken_for, one.count, one.queries, one.sample, one.neighbor});
  }
  return json;
}

Json whole_json(const Report& report) {
  Json json;
  json["title"] = report.title;
  json["live"] = report.live;
  json["notes"] = report.notes;
  json["runs"] = Json::array();
  for (const ReportRun& run : report.runs) json["runs"].push_back(run_json(run));
  json["class_names"] = report.class_names;
  json["samples"] = samples_json(report.samples);
  if (report.map) {
    Json& map = json["map"];
    map["total"] = report.map->total;
    map["variance_share"] = number(report.map->variance_share);
    map["pca"] = plane_json(report.map->pca);
    map["tsne"] = plane_json(report.map->tsne);
  }
  if (report.retrieval) json["retrieval"] = retrieval_json(*report.retrieval);
  if (report.pairs) json["pairs"] = pairs_json(*report.pairs);
  if (report.classes) json["classes"] = classes_json(*report.classes);
  return json;
}

}  // namespace

std::string live_json(const Report& report, bool whole, const std::string& state, Index step,
                      Index gallery) {
  Json json = {{"state", state}, {"step", step}, {"gallery", gallery}};
  json["run"] = run_json(report.runs.front());
  if (whole) json["report"] = whole_json(report);
  return dump_json(json);
}

std::string report_json(const Report& report) {
  const std::string text = dump_json(whole_json(report));
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace kindred
