#include "eval/report/report_pairs.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "eval/scores/class_order.h"
#include "kindred/eval/verification.h"

namespace kindred {
namespace {

constexpr Index kBins = 100;
constexpr Index kCurvePoints = 160;  // false accept rates, by logarithm
constexpr Index kSlots = 24;         // of scores, that examples are spread over
constexpr Index kOfASlot = 3;
constexpr Index kOfASample = 3;

// Edges on round numbers, the lowest below every score: above it all pairs lie.
void choose_edges(double least, double greatest, ReportPairs& pairs) {
  const double room = std::max(greatest - least, 1e-6);
  const double unit = std::pow(10, std::floor(std::log10(room / 20)));
  pairs.low = std::floor(least / unit) * unit;
  if (pairs.low >= least) pairs.low -= unit;
  pairs.high = std::ceil(greatest / unit) * unit;
  if (pairs.high <= pairs.low) pairs.high = pairs.low + unit;
}

void count_scores(std::span<const double> scores, std::span<const std::uint8_t> same,
                  ReportPairs& pairs) {
  pairs.same.assign(kBins, 0);
  pairs.different.assign(kBins, 0);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::size_t bin = histogram_bin(scores[i], pairs.low, pairs.high, kBins);
    ++(same[i] != 0 ? pairs.same : pairs.different)[bin];
  }
}

/// Scores of one kind, rising.
class ScoresOfKind {
 public:
  ScoresOfKind(std::span<const double> scores, std::span<const std::uint8_t> same, bool of_same) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if ((same[i] != 0) == of_same) scores_.push_back(scores[i]);
    }
    std::sort(scores_.begin(), scores_.end());
  }
  Index count() const { return static_cast<Index>(scores_.size()); }
  Index above(double threshold) const {
    return scores_.end() - std::upper_bound(scores_.begin(), scores_.end(), threshold);
  }
  /// The lowest threshold that at most `most` lie above. REQUIRES: most < count().
  double threshold(Index most) const {
    return scores_[static_cast<std::size_t>(count() - 1 - most)];
  }

 private:
  std::vector<double> scores_;
};

// At the histograms' edges, and where few pairs of one kind are left over.
std::vector<ReportRate> rates_of(const ScoresOfKind& same, const ScoresOfKind& different,
                                 const ReportPairs& pairs) {
  std::vector<double> thresholds = {pairs.low, pairs.high};
  for (Index bin = 1; bin < kBins; ++bin) {
    thresholds.push_back(pairs.low + (pairs.high - pairs.low) * static_cast<double>(bin) /
                                         static_cast<double>(kBins));
  }
  for (const ScoresOfKind* kind : {&different, &same}) {
    for (Index i = 0; i < kCurvePoints; ++i) {
      const double share =
          std::pow(10, -6 * (1 - static_cast<double>(i) / static_cast<double>(kCurvePoints)));
      const auto most = static_cast<Index>(share * static_cast<double>(kind->count()));
      if (most < kind->count()) thresholds.push_back(kind->threshold(most));
    }
  }
  std::sort(thresholds.begin(), thresholds.end(), std::greater<>());
  thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
  std::vector<ReportRate> rates;
  for (const double threshold : thresholds) {
    rates.push_back({threshold, different.above(threshold), same.above(threshold)});
  }
  return rates;
}

}  // namespace

ReportPairs summarise_pairs(std::span<const double> scores, std::span<const std::uint8_t> same) {
  ReportPairs pairs;
  if (scores.empty()) return pairs;
  const auto [least, greatest] = std::minmax_element(scores.begin(), scores.end());
  choose_edges(*least, *greatest, pairs);
  count_scores(scores, same, pairs);
  const ScoresOfKind positives(scores, same, true);
  const ScoresOfKind negatives(scores, same, false);
  pairs.same_total = positives.count();
  pairs.different_total = negatives.count();
  pairs.rates = rates_of(positives, negatives, pairs);
  if (pairs.same_total == 0 || pairs.different_total == 0) return pairs;
  const VerificationResult result = evaluate_verification(scores, same, {});
  for (const MetricValue& metric : result.metrics) {
    pairs.numbers.push_back({metric.name, metric.value});
  }
  pairs.thresholds.push_back({"equal errors", equal_error_threshold(pairs)});
  return pairs;
}

double equal_error_threshold(const ReportPairs& pairs) {
  const auto gap = [&](const ReportRate& rate) {
    return std::abs(static_cast<double>(rate.different) /
                        static_cast<double>(pairs.different_total) -
                    (1 - static_cast<double>(rate.same) / static_cast<double>(pairs.same_total)));
  };
  return std::min_element(pairs.rates.begin(), pairs.rates.end(),
                          [&](const ReportRate& a, const ReportRate& b) { return gap(a) < gap(b); })
      ->threshold;
}

std::vector<Index> example_pairs(std::span<const double> scores, std::span<const std::uint8_t> same,
                                 std::span<const Index> first, std::span<const Index> second,
                                 bool of_same, double low, double high) {
  const auto count = static_cast<Index>(scores.size());
  std::vector<Index> taken(static_cast<std::size_t>(kSlots), 0);
  std::map<Index, Index> uses;
  std::vector<Index> chosen;
  // Pairs stand class by class: steps that visit each once, from all over.
  Index step = std::max<Index>(1, static_cast<Index>(0.618 * static_cast<double>(count)));
  while (std::gcd(step, count) != 1) ++step;
  for (Index i = 0, pair = 0; i < count; ++i, pair = (pair + step) % count) {
    const auto p = static_cast<std::size_t>(pair);
    if ((same[p] != 0) != of_same) continue;
    Index& slot = taken[histogram_bin(scores[p], low, high, static_cast<std::size_t>(kSlots))];
    if (slot == kOfASlot) continue;
    if (uses[first[p]] >= kOfASample || uses[second[p]] >= kOfASample) continue;
    ++uses[first[p]];
    ++uses[second[p]];
    ++slot;
    chosen.push_back(pair);
  }
  std::stable_sort(chosen.begin(), chosen.end(), [&](Index a, Index b) {
    return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
  });
  return chosen;
}

LabelPairs draw_pairs(std::span<const std::int64_t> labels, Index most_of_a_kind, Random random) {
  LabelPairs pairs;
  const auto count = static_cast<Index>(labels.size());
  const ClassOrder order(labels);
  const auto add = [&](Index a, Index b, bool same) {
    pairs.first.push_back(std::min(a, b));
    pairs.second.push_back(std::max(a, b));
    pairs.same.push_back(same ? 1 : 0);
  };
  // Positions at which classes begin, and how many pairs lie before each class.
  std::vector<ClassOrder::Range> ranges;
  std::vector<Index> before;
  for (Index place = 0; place < count; place = ranges.back().last) {
    ranges.push_back(order.range(order.label(place)));
    before.push_back(pairs.same_total);
    pairs.same_total += ranges.back().size() * (ranges.back().size() - 1) / 2;
  }
  pairs.different_total = count * (count - 1) / 2 - pairs.same_total;
  const auto row = [&](Index place) { return order.rows()[static_cast<std::size_t>(place)]; };

  if (pairs.same_total <= most_of_a_kind) {
    for (const auto& range : ranges) {
      for (Index a = range.first; a < range.last; ++a) {
        for (Index b = a + 1; b < range.last; ++b) add(row(a), row(b), true);
      }
    }
  } else {
    for (Index i = 0; i < most_of_a_kind; ++i) {
      const auto after =
          std::upper_bound(before.begin(), before.end(), random.below(pairs.same_total));
      const auto& range = ranges[static_cast<std::size_t>(after - before.begin() - 1)];
      const Index a = random.below(range.size());
      const Index b = random.below(range.size() - 1);
      add(row(range.first + a), row(range.first + (b < a ? b : b + 1)), true);
    }
  }
  if (pairs.different_total <= most_of_a_kind) {
    for (Index a = 0; a < count; ++a) {
      for (Index b = a + 1; b < count; ++b) {
        if (labels[static_cast<std::size_t>(a)] != labels[static_cast<std::size_t>(b)]) {
          add(a, b, false);
        }
      }
    }
  } else {
    for (Index drawn = 0; drawn < most_of_a_kind;) {
      const Index a = random.below(count);
      const Index b = random.below(count);
      if (labels[static_cast<std::size_t>(a)] == labels[static_cast<std::size_t>(b)]) continue;
      add(a, b, false);
      ++drawn;
    }
  }
  return pairs;
}

}  // namespace kindred
