#include "eval/verification_text.h"

#include <fmt/format.h>

#include <utility>

#include "kindred/core/text.h"

namespace kindred::tools {
namespace {

bool is_of_one_kind(const FoldResult& fold) { return fold.same == 0 || fold.same == fold.pairs; }

}  // namespace

void warn_of_folds(const VerificationResult& result, const std::string& list) {
  Index of_one_kind = 0;
  const FoldResult* first = nullptr;
  for (const FoldResult& fold : result.folds) {
    if (!is_of_one_kind(fold)) continue;
    if (of_one_kind++ == 0) first = &fold;
  }
  if (first == nullptr) return;
  note(
      fmt::format("warning: {}: {} of {} folds hold pairs of one kind (fold {}: {} pairs, all {}): "
                  "their accuracy counts one kind of error only, and accuracy_mean mixes the two. "
                  "Deal both kinds over the folds, or leave the folds out: accuracy_best, auc and "
                  "eer do not need them",
                  list, of_one_kind, result.folds.size(), first->fold, first->pairs,
                  first->same == 0 ? "not same" : "same"));
}

Json json_of(const VerificationResult& result) {
  Json numbers;
  for (const MetricValue& metric : result.metrics) numbers[metric.name] = metric.value;
  for (const MetricValue& threshold : result.thresholds) {
    numbers[threshold.name] = threshold.value;  // null: every pair is accepted
  }
  numbers["positives"] = result.positives;
  numbers["negatives"] = result.negatives;
  if (!result.far_unsupported.empty()) numbers["far_unsupported"] = result.far_unsupported;
  for (const FoldResult& fold : result.folds) {
    numbers["folds"].push_back({{"fold", fold.fold},
                                {"threshold", fold.threshold},
                                {"accuracy", fold.accuracy},
                                {"pairs", fold.pairs},
                                {"same", fold.same}});
    if (is_of_one_kind(fold)) numbers["folds_of_one_kind"].push_back(fold.fold);
  }
  return numbers;
}

Json json_of(const ScoreHistogram& histogram) {
  return {{"low", histogram.low},
          {"high", histogram.high},
          {"same", histogram.same},
          {"different", histogram.different}};
}

void print_verification(const std::string& title, const VerificationResult& result,
                        const Json& numbers) {
  fmt::print("{}\n", printable(title));
  const auto line = [](const std::string& name, double value) {
    fmt::print("  {:<20} {:.4f}\n", name, value);
  };
  for (const MetricValue& metric : result.metrics) line(metric.name, metric.value);
  if (numbers.contains("accuracy_given")) {
    line("accuracy_given", numbers["accuracy_given"].get<double>());
  }
  for (const MetricValue& threshold : result.thresholds) line(threshold.name, threshold.value);
  fmt::print("  {} pairs: {} same, {} not same\n", result.positives + result.negatives,
             result.positives, result.negatives);
  for (const double far : result.far_unsupported) {
    fmt::print("  tar@far={} needs {:.0f} pairs that are not the same\n", far, 1 / far);
  }
  for (const auto& [key, name] : {std::pair{"hardest_false_accepts", "hardest false accepts"},
                                  {"hardest_false_rejects", "hardest false rejects"}}) {
    if (!numbers.contains(key) || numbers[key].empty()) continue;
    fmt::print("  {}\n", name);
    for (const Json& pair : numbers[key]) {
      fmt::print("    {:8.4f}  ", pair["score"].get<double>());
      if (pair.contains("first")) {
        const auto text = [](const Json& side) {
          return side.is_string() ? printable(side.get<std::string>()) : "row " + json_text(side);
        };
        fmt::print("{}  {}\n", text(pair["first"]), text(pair["second"]));
      } else {
        fmt::print("pair {}\n", json_text(pair["pair"]));
      }
    }
  }
}

}  // namespace kindred::tools
