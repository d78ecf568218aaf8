// What a page says about scored pairs: see report_sections.h.
#include <fmt/format.h>

#include "eval/report/report_pairs.h"
#include "eval/report/report_samples.h"
#include "eval/scores/grouped.h"
#include "kindred/eval/report_sections.h"

namespace kindred {
namespace {

constexpr Index kHardestShown = 16;

}  // namespace

void describe_verification(const DescribedPairs& pairs, const VerificationResult& result,
                           Report& report) {
  ReportPairs& section = report.pairs.emplace(summarise_pairs(pairs.scores, pairs.same));
  section.score = pairs.score;
  section.note = fmt::format("all {} pairs: {} of one class, {} of two",
                             grouped(static_cast<Index>(pairs.scores.size())),
                             grouped(result.positives), grouped(result.negatives));
  section.numbers.clear();
  for (const MetricValue& metric : result.metrics) {
    section.numbers.push_back({metric.name, metric.value});
  }
  SampleNumbers samples;
  const auto named = [&](Index pair) {
    const auto p = static_cast<std::size_t>(pair);
    return ReportPair{samples.of(pairs.first[p]), samples.of(pairs.second[p]), pairs.scores[p]};
  };
  const HardestPairs hardest = hardest_pairs(pairs.scores, pairs.same, kHardestShown);
  for (const Index pair : hardest.false_accepts) section.false_accepts.push_back(named(pair));
  for (const Index pair : hardest.false_rejects) section.false_rejects.push_back(named(pair));
  report.samples.rows = samples.rows();
  for (const Index row : samples.rows()) {
    report.samples.classes.push_back(-1);
    report.samples.names.push_back(pairs.names.empty()
                                       ? fmt::format("row {}", row)
                                       : pairs.names[static_cast<std::size_t>(row)]);
  }
}

}  // namespace kindred
