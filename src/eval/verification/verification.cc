#include "kindred/eval/verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "eval/scores/check_rows.h"
#include "eval/verification/false_accepts.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr double kAcceptsAll = -std::numeric_limits<double>::infinity();

/// Pairs by rising score.
struct SortedPairs {
  SortedPairs(std::span<const double> values, std::span<const std::uint8_t> kinds)
      : scores(values), same(kinds), order(values.size()) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
    for (const std::uint8_t kind : same) ++(kind != 0 ? positives : negatives);
  }

  /// Calls use(score, first, last) for each distinct score, rising; its pairs are
  /// order[first, last).
  template <typename Use>
  void for_each_score(Use use) const {
    for (std::size_t first = 0; first < order.size();) {
      const double score = scores[order[first]];
      std::size_t last = first + 1;
      while (last < order.size() && scores[order[last]] == score) ++last;
      use(score, first, last);
      first = last;
    }
  }

  std::span<const double> scores;
  std::span<const std::uint8_t> same;
  std::vector<std::size_t> order;
  Index positives = 0;
  Index negatives = 0;
};

void check_pairs(std::span<const double> scores, std::span<const std::uint8_t> same) {
  check_count(static_cast<Index>(same.size()), "same / not same marks",
              static_cast<Index>(scores.size()), "pairs");
  if (scores.empty()) fail(ErrorKind::data, "there are no pairs");
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) fail(ErrorKind::data, fmt::format("the score of pair {} is NaN", i));
    if (same[i] > 1) {
      fail(ErrorKind::data,
           fmt::format("pair {} is marked {}; expected 1 (same) or 0 (not same)", i, same[i]));
    }
  }
  const auto [low, high] = std::minmax_element(same.begin(), same.end());
  if (*low == *high) {
    fail(ErrorKind::data,
         fmt::format("all {} pairs are marked {}; verification needs pairs of both kinds",
                     same.size(), *low == 0 ? "not same" : "same"));
  }
}

/// The threshold that judges most pairs of the other folds right, the lowest of the best; of all
/// pairs where there are no folds.
double best_threshold(const SortedPairs& pairs, std::span<const std::int64_t> fold,
                      std::int64_t left_out) {
  const auto counts = [&](std::size_t pair) { return fold.empty() || fold[pair] != left_out; };
  Index right = 0;
  for (std::size_t i = 0; i < pairs.scores.size(); ++i) {
    if (counts(i) && pairs.same[i] != 0) ++right;  // accepting all is right for these
  }
  Index best = right;
  double threshold = kAcceptsAll;
  pairs.for_each_score([&](double score, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (counts(pairs.order[i])) right += pairs.same[pairs.order[i]] != 0 ? -1 : 1;
    }
    if (right > best) {
      best = right;
      threshold = score;
    }
  });
  return threshold;
}

std::vector<FoldResult> judge_folds(const SortedPairs& pairs, std::span<const std::int64_t> fold) {
  std::map<std::int64_t, FoldResult> folds;
  for (const std::int64_t name : fold) folds[name].fold = name;
  if (folds.size() == 1) {
    fail(ErrorKind::data,
         fmt::format("all pairs are of fold {}; the threshold of a fold comes from the others, so "
                     "two are needed",
                     fold[0]));
  }
  for (auto& [name, result] : folds) {
    result.threshold = best_threshold(pairs, fold, name);
    Index right = 0;
    for (std::size_t i = 0; i < fold.size(); ++i) {
      if (fold[i] != name) continue;
      ++result.pairs;
      result.same += pairs.same[i] != 0 ? 1 : 0;
      right += (pairs.scores[i] > result.threshold) == (pairs.same[i] != 0) ? 1 : 0;
    }
    result.accuracy = static_cast<double>(right) / static_cast<double>(result.pairs);
  }
  std::vector<FoldResult> results;
  for (const auto& [name, result] : folds) results.push_back(result);
  return results;
}

void add_accuracy(VerificationResult& result) {
  const auto count = static_cast<double>(result.folds.size());
  double mean = 0;
  for (const FoldResult& fold : result.folds) mean += fold.accuracy / count;
  double variance = 0;
  for (const FoldResult& fold : result.folds) {
    variance += (fold.accuracy - mean) * (fold.accuracy - mean) / count;
  }
  result.metrics.push_back({"accuracy_mean", mean});
  result.metrics.push_back({"accuracy_std", std::sqrt(variance)});
}

double area_under_curve(const SortedPairs& pairs) {
  double below = 0;  // negatives with a lower score
  double wins = 0;
  pairs.for_each_score([&](double, std::size_t first, std::size_t last) {
    double same = 0;
    for (std::size_t i = first; i < last; ++i) same += pairs.same[pairs.order[i]] != 0 ? 1 : 0;
    const double different = static_cast<double>(last - first) - same;
    wins += same * (below + different / 2);
    below += different;
  });
  return wins / (static_cast<double>(pairs.positives) * static_cast<double>(pairs.negatives));
}

double equal_error_rate(const SortedPairs& pairs) {
  const auto positives = static_cast<double>(pairs.positives);
  const auto negatives = static_cast<double>(pairs.negatives);
  double rejected = 0;          // positives at or below the threshold
  double accepted = negatives;  // negatives above it
  double nearest = 1;
  double rate = 0.5;
  pairs.for_each_score([&](double, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (pairs.same[pairs.order[i]] != 0) {
        ++rejected;
      } else {
        --accepted;
      }
    }
    const double false_accepts = accepted / negatives;
    const double false_rejects = rejected / positives;
    if (std::abs(false_accepts - false_rejects) < nearest) {
      nearest = std::abs(false_accepts - false_rejects);
      rate = (false_accepts + false_rejects) / 2;
    }
  });
  return rate;
}

/// The lowest threshold that lets at most `most` negatives pass.
double threshold_passing(const SortedPairs& pairs, Index most) {
  Index passed = 0;
  for (auto i = pairs.order.rbegin(); i != pairs.order.rend(); ++i) {
    if (pairs.same[*i] == 0 && ++passed > most) return pairs.scores[*i];
  }
  return kAcceptsAll;
}

double share_accepted(const SortedPairs& pairs, double threshold) {
  Index accepted = 0;
  for (std::size_t i = 0; i < pairs.scores.size(); ++i) {
    accepted += pairs.same[i] != 0 && pairs.scores[i] > threshold ? 1 : 0;
  }
  return static_cast<double>(accepted) / static_cast<double>(pairs.positives);
}

void add_far(const SortedPairs& pairs, const VerificationOptions& options,
             VerificationResult& result) {
  for (const double far : options.far) {
    const Index most = accepted_by_far(far, pairs.negatives);
    if (most < 1) {
      result.far_unsupported.push_back(far);
      continue;
    }
    const double threshold = threshold_passing(pairs, most);
    result.metrics.push_back({fmt::format("tar@far={}", far), share_accepted(pairs, threshold)});
    result.thresholds.push_back({fmt::format("threshold@far={}", far), threshold});
  }
}

}  // namespace

double VerificationResult::operator[](const std::string& name) const {
  for (const MetricValue& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  fail(ErrorKind::usage, fmt::format("there is no metric '{}' in this result", name));
}

Index accepted_by_far(double far, Index negatives) {
  if (!(far > 0 && far < 1)) {
    fail(ErrorKind::usage, fmt::format("false accept rate {} is not between 0 and 1", far));
  }
  // 0.001 · 3000 means 3, whatever the last bit of the product.
  return static_cast<Index>(far * static_cast<double>(negatives) * (1 + 1e-12));
}

double accuracy_at(std::span<const double> scores, std::span<const std::uint8_t> same,
                   double threshold) {
  check_count(static_cast<Index>(same.size()), "same / not same marks",
              static_cast<Index>(scores.size()), "pairs");
  Index right = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    right += (scores[i] > threshold) == (same[i] != 0) ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(scores.size());
}

VerificationResult evaluate_verification(std::span<const double> scores,
                                         std::span<const std::uint8_t> same,
                                         std::span<const std::int64_t> fold,
                                         const VerificationOptions& options) {
  check_pairs(scores, same);
  const SortedPairs pairs(scores, same);
  VerificationResult result;
  result.positives = pairs.positives;
  result.negatives = pairs.negatives;
  if (!fold.empty()) {
    check_count(static_cast<Index>(fold.size()), "fold numbers", static_cast<Index>(scores.size()),
                "pairs");
    result.folds = judge_folds(pairs, fold);
    add_accuracy(result);
  }
  const double best = best_threshold(pairs, {}, 0);
  result.metrics.push_back({"accuracy_best", accuracy_at(scores, same, best)});
  result.metrics.push_back(
      {"base_rate", static_cast<double>(std::max(pairs.positives, pairs.negatives)) /
                        static_cast<double>(scores.size())});
  result.thresholds.push_back({"threshold_best", best});
  result.metrics.push_back({"auc", area_under_curve(pairs)});
  result.metrics.push_back({"eer", equal_error_rate(pairs)});
  add_far(pairs, options, result);
  return result;
}

std::vector<RocPoint> roc_curve(std::span<const double> scores,
                                std::span<const std::uint8_t> same) {
  check_pairs(scores, same);
  const SortedPairs pairs(scores, same);
  std::vector<RocPoint> curve;
  Index accepted_negatives = pairs.negatives;
  Index accepted_positives = pairs.positives;
  const auto add = [&](double threshold) {
    curve.push_back(
        {threshold, static_cast<double>(accepted_negatives) / static_cast<double>(pairs.negatives),
         static_cast<double>(accepted_positives) / static_cast<double>(pairs.positives)});
  };
  add(kAcceptsAll);
  pairs.for_each_score([&](double score, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      --(pairs.same[pairs.order[i]] != 0 ? accepted_positives : accepted_negatives);
    }
    add(score);
  });
  std::reverse(curve.begin(), curve.end());
  return curve;
}

ScoreHistogram histogram_of(std::span<const double> scores, std::span<const std::uint8_t> same,
                            Index bins) {
  check_pairs(scores, same);
  if (bins < 1) fail(ErrorKind::usage, fmt::format("{} bins; at least 1 is needed", bins));
  const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
  const auto count = static_cast<std::size_t>(bins);
  ScoreHistogram histogram{*low, *high, std::vector<Index>(count), std::vector<Index>(count)};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    std::vector<Index>& counts = same[i] != 0 ? histogram.same : histogram.different;
    ++counts[histogram_bin(scores[i], *low, *high, count)];
  }
  return histogram;
}

HardestPairs hardest_pairs(std::span<const double> scores, std::span<const std::uint8_t> same,
                           Index count) {
  check_pairs(scores, same);
  const SortedPairs pairs(scores, same);
  HardestPairs hardest;
  for (const std::size_t i : pairs.order) {
    if (static_cast<Index>(hardest.false_rejects.size()) == count) break;
    if (same[i] != 0) hardest.false_rejects.push_back(static_cast<Index>(i));
  }
  std::vector<std::size_t> falling(pairs.order);
  std::stable_sort(falling.begin(), falling.end(), [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  for (const std::size_t i : falling) {
    if (static_cast<Index>(hardest.false_accepts.size()) == count) break;
    if (same[i] == 0) hardest.false_accepts.push_back(static_cast<Index>(i));
  }
  return hardest;
}

}  // namespace kindred
