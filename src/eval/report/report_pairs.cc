#include "eval/report/report_pairs.h"

#include <algorithm>
#include <cmath>

#include "eval/scores/class_order.h"
#include "kindred/eval/verification.h"

namespace kindred {
namespace {

constexpr Index kBins = 80;
constexpr Index kCurvePoints = 160;  // evenly spaced, and as many again by logarithm

void count_scores(std::span<const double> scores, std::span<const std::uint8_t> same,
                  ReportPairs& pairs) {
  const auto [least, greatest] = std::minmax_element(scores.begin(), scores.end());
  const double room = std::max(*greatest - *least, 1e-6);
  // Edges on round numbers of about a fiftieth of the range.
  const double unit = std::pow(10, std::floor(std::log10(room / 20)));
  pairs.low = std::floor(*least / unit) * unit;
  pairs.high = std::ceil(*greatest / unit) * unit;
  if (pairs.high <= pairs.low) pairs.high = pairs.low + unit;
  pairs.same.assign(kBins, 0);
  pairs.different.assign(kBins, 0);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double place = (scores[i] - pairs.low) / (pairs.high - pairs.low);
    const auto bin = static_cast<std::size_t>(
        std::clamp<double>(place * static_cast<double>(kBins), 0, kBins - 1));
    ++(same[i] != 0 ? pairs.same : pairs.different)[bin];
  }
}

// The curve at false accept rates spaced evenly and by logarithm, and at its ends.
std::vector<std::pair<double, double>> thin_curve(const std::vector<RocPoint>& curve) {
  std::vector<double> rates;
  for (Index i = 0; i <= kCurvePoints; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(kCurvePoints);
    rates.push_back(share);
    rates.push_back(std::pow(10, -6 * (1 - share)));
  }
  std::sort(rates.begin(), rates.end());
  std::vector<std::pair<double, double>> kept;
  for (const double rate : rates) {
    const auto after = std::upper_bound(
        curve.begin(), curve.end(), rate,
        [](double value, const RocPoint& point) { return value < point.false_accept_rate; });
    if (after == curve.begin()) continue;
    const RocPoint& point = *(after - 1);
    const std::pair<double, double> here{point.false_accept_rate, point.true_accept_rate};
    if (kept.empty() || kept.back() != here) kept.push_back(here);
  }
  return kept;
}

}  // namespace

ReportPairs summarise_pairs(std::span<const double> scores, std::span<const std::uint8_t> same) {
  ReportPairs pairs;
  if (scores.empty()) return pairs;
  count_scores(scores, same, pairs);
  const auto positives = std::count(same.begin(), same.end(), 1);
  pairs.same_total = positives;
  pairs.different_total = static_cast<Index>(same.size()) - positives;
  if (pairs.same_total == 0 || pairs.different_total == 0) return pairs;
  for (const MetricValue& metric : evaluate_verification(scores, same, {}).metrics) {
    pairs.numbers.push_back({metric.name, metric.value});
  }
  pairs.roc = thin_curve(roc_curve(scores, same));
  return pairs;
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
