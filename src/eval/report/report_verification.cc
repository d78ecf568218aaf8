// What a page says about scored pairs: see report_sections.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/report_pairs.h"
#include "eval/report/report_samples.h"
#include "eval/scores/grouped.h"
#include "kindred/eval/report_sections.h"

namespace kindred {
namespace {

constexpr Index kHardestShown = 16;

std::string note_of_pairs(const VerificationResult& result) {
  return fmt::format("all {} pairs: {} same, {} different",
                     grouped(result.positives + result.negatives), grouped(result.positives),
                     grouped(result.negatives));
}

// The metrics, and thresholds of the command's JSON that are worth setting.
void add_numbers(const VerificationResult& result, ReportPairs& section) {
  section.numbers.clear();
  for (const MetricValue& metric : result.metrics) {
    section.numbers.push_back({metric.name, metric.value});
  }
  for (const MetricValue& one : result.thresholds) {
    if (!std::isfinite(one.value)) continue;
    if (one.name == "threshold_best") section.thresholds.push_back({"most accurate", one.value});
    if (one.name == "threshold@far=0.01") {
      section.thresholds.push_back({"1 % false accepts", one.value});
    }
  }
}

// The edges of the histogram, just below what it counts there, and the points of the curve.
std::vector<ReportRate> rates_of_all(const AllPairsResult& result) {
  const ScoreHistogram& histogram = result.histogram;
  const std::size_t bins = histogram.same.size();
  std::vector<ReportRate> rates = {{histogram.high, 0, 0}};
  ReportRate rate;
  for (std::size_t bin = bins; bin-- > 0;) {
    rate.same += histogram.same[bin];
    rate.different += histogram.different[bin];
    const double edge = histogram.low + (histogram.high - histogram.low) *
                                            static_cast<double>(bin) / static_cast<double>(bins);
    rate.threshold = std::nextafter(edge, -HUGE_VAL);
    rates.push_back(rate);
  }
  for (const AcceptedPairs& one : result.curve) {
    rates.push_back({one.threshold, one.different, one.same});
  }
  std::stable_sort(rates.begin(), rates.end(), [](const ReportRate& a, const ReportRate& b) {
    return a.threshold > b.threshold;
  });
  return rates;
}

/// Numbers samples as they are named.
class ShownPairs {
 public:
  ShownPairs(const DescribedPairs& pairs, Report& report) : pairs_(pairs), report_(report) {}

  ReportPair pair(Index first, Index second, double score) {
    return {numbers_.of(first), numbers_.of(second), score};
  }
  void examples() {
    ReportPairs& section = *report_.pairs;
    for (const bool same : {true, false}) {
      auto& list = same ? section.same_examples : section.different_examples;
      for (const Index place : example_pairs(pairs_.scores, pairs_.same, pairs_.first,
                                             pairs_.second, same, section.low, section.high)) {
        const auto p = static_cast<std::size_t>(place);
        list.push_back(pair(pairs_.first[p], pairs_.second[p], pairs_.scores[p]));
      }
    }
  }
  void finish() {
    ReportSamples& samples = report_.samples;
    samples.rows = numbers_.rows();
    samples.close = static_cast<Index>(samples.rows.size());
    std::vector<std::int64_t> labels;
    if (!pairs_.labels.empty()) {
      for (const Index row : samples.rows) {
        labels.push_back(pairs_.labels[static_cast<std::size_t>(row)]);
      }
    }
    const ClassNumbers classes(labels);
    report_.class_names = classes.names({pairs_.class_names.begin(), pairs_.class_names.end()});
    for (std::size_t i = 0; i < samples.rows.size(); ++i) {
      const auto row = static_cast<std::size_t>(samples.rows[i]);
      samples.classes.push_back(labels.empty() ? -1 : classes.of(labels[i]));
      samples.names.push_back(pairs_.names.empty() ? fmt::format("row {}", grouped(samples.rows[i]))
                                                   : pairs_.names[row]);
    }
  }

 private:
  const DescribedPairs& pairs_;
  Report& report_;
  SampleNumbers numbers_;
};

}  // namespace

void describe_verification(const DescribedPairs& pairs, const VerificationResult& result,
                           Report& report) {
  ReportPairs& section = report.pairs.emplace(summarise_pairs(pairs.scores, pairs.same));
  section.score = pairs.score;
  section.note = note_of_pairs(result);
  add_numbers(result, section);
  ShownPairs shown(pairs, report);
  const auto named = [&](Index place) {
    const auto p = static_cast<std::size_t>(place);
    return shown.pair(pairs.first[p], pairs.second[p], pairs.scores[p]);
  };
  const HardestPairs hardest = hardest_pairs(pairs.scores, pairs.same, kHardestShown);
  for (const Index place : hardest.false_accepts) section.false_accepts.push_back(named(place));
  for (const Index place : hardest.false_rejects) section.false_rejects.push_back(named(place));
  shown.examples();
  shown.finish();
}

void describe_all_pairs(const DescribedPairs& drawn, const AllPairsResult& result, Report& report) {
  ReportPairs& section = report.pairs.emplace();
  section.score = drawn.score;
  section.note = note_of_pairs(result.verification);
  section.same_total = result.verification.positives;
  section.different_total = result.verification.negatives;
  section.low = result.histogram.low;
  section.high = result.histogram.high;
  section.same = result.histogram.same;
  section.different = result.histogram.different;
  section.rates = rates_of_all(result);
  section.thresholds.push_back({"equal errors", equal_error_threshold(section)});
  add_numbers(result.verification, section);
  ShownPairs shown(drawn, report);
  for (const ScoredRows& one : result.false_accepts) {
    section.false_accepts.push_back(shown.pair(one.first, one.second, one.score));
  }
  for (const ScoredRows& one : result.false_rejects) {
    section.false_rejects.push_back(shown.pair(one.first, one.second, one.score));
  }
  shown.examples();
  shown.finish();
}

}  // namespace kindred
