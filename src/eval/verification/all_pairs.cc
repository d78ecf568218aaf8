#include "kindred/eval/all_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "eval/scores/check_rows.h"
#include "eval/scores/exact_scores.h"
#include "eval/verification/false_accepts.h"
#include "eval/verification/hardest_rows.h"
#include "eval/verification/pair_score.h"
#include "eval/verification/score_bins.h"
#include "kindred/core/error.h"
#include "kindred/core/random.h"

namespace kindred {
namespace {

constexpr Index kPairRowsPerTask = 128;
constexpr Index kRowsAtOnce = 512;  // of the other side: stay in cache
constexpr Index kSampledPairs = Index{1} << 16;
constexpr std::size_t kHistogramBins = 200;
constexpr std::size_t kMostRates = 1000;

class AllPairs {
 public:
  AllPairs(const Workers& workers, ConstMatrixView rows, std::span<const std::int64_t> labels,
           const AllPairsOptions& options)
      : workers_(workers),
        rows_(rows),
        labels_(labels),
        options_(options),
        exact_(workers, rows, options.similarity),
        bins_(sample_scores()),
        counts_(bins_.count()) {}

  AllPairsResult run() {
    count_all();
    count_kinds();
    AllPairsResult result;
    VerificationResult& verification = result.verification;
    verification.positives = positives_;
    verification.negatives = negatives_;
    const std::vector<Target> targets = find_targets(verification);
    const Crossing crossing = find_crossing();
    look_into(targets, crossing, result);
    verification.metrics.push_back({"auc", area_under_curve()});
    verification.metrics.push_back({"eer", equal_error_rate(crossing)});
    for (const Target& target : targets) add_far(target, result);
    std::stable_sort(
        result.curve.begin(), result.curve.end(),
        [](const AcceptedPairs& a, const AcceptedPairs& b) { return a.threshold > b.threshold; });
    result.uncertainty = uncertainty();
    return result;
  }

 private:
  /// Exact scores of pairs that are drawn.
  std::vector<double> sample_scores() const {
    std::vector<double> scores(static_cast<std::size_t>(kSampledPairs));
    workers_.for_blocks(kSampledPairs, kRowsAtOnce, [&](Index begin, Index end, int) {
      ExactQuery query(exact_);
      for (Index i = begin; i < end; ++i) {
        Random random(1, Purpose::pairs, static_cast<std::uint64_t>(i));
        const Index a = random.below(rows_.rows());
        const Index b = random.below(rows_.rows() - 1);
        query.load(rows_, a);
        scores[static_cast<std::size_t>(i)] =
            pair_score(query.score(b < a ? b : b + 1), options_.similarity);
      }
    });
    return scores;
  }

  /// Calls use(worker, same, score, i, j) for each pair of rows.
  template <typename Use>
  void for_each_pair(Use use) const {
    workers_.for_blocks(rows_.rows(), kPairRowsPerTask, [&](Index begin, Index end, int worker) {
      ExactQuery query(exact_);
      for (Index first = begin; first < rows_.rows(); first += kRowsAtOnce) {
        const Index last = std::min(first + kRowsAtOnce, rows_.rows());
        for (Index i = begin; i < std::min(end, last - 1); ++i) {
          query.load(rows_, i);
          const std::int64_t label = labels_[static_cast<std::size_t>(i)];
          for (Index j = std::max(first, i + 1); j < last; ++j) {
            use(worker, labels_[static_cast<std::size_t>(j)] == label,
                pair_score(query.score(j), options_.similarity), i, j);
          }
        }
      }
    });
  }

  void count_all() {
    std::vector<double> lows(static_cast<std::size_t>(workers_.threads()),
                             std::numeric_limits<double>::infinity());
    std::vector<double> highs(lows.size(), -std::numeric_limits<double>::infinity());
    for_each_pair([&](int worker, bool same, double score, Index, Index) {
      counts_.add(same, bins_.of(score));
      const auto own = static_cast<std::size_t>(worker);
      lows[own] = std::min(lows[own], score);
      highs[own] = std::max(highs[own], score);
    });
    low_ = *std::min_element(lows.begin(), lows.end());
    high_ = *std::max_element(highs.begin(), highs.end());
  }

  void count_kinds() {
    for (std::size_t bin = 0; bin < bins_.count(); ++bin) {
      positives_ += counts_.same(bin);
      negatives_ += counts_.different(bin);
    }
    if (positives_ > 0 && negatives_ > 0) return;
    fail(ErrorKind::data,
         fmt::format("all {} pairs of the {} embeddings are {}; verification needs pairs of both "
                     "kinds",
                     positives_ + negatives_, rows_.rows(), positives_ > 0 ? "same" : "not same"));
  }

  /// Pairs of different kinds in one bin may stand in either order.
  double uncertainty() const {
    double unordered = 0;
    for (std::size_t bin = 0; bin < bins_.count(); ++bin) {
      if (ScoreBins::is_one_score(bin)) continue;
      unordered +=
          static_cast<double>(counts_.same(bin)) * static_cast<double>(counts_.different(bin));
    }
    return unordered / 2 / (static_cast<double>(positives_) * static_cast<double>(negatives_));
  }

  double area_under_curve() const {
    double below = 0;
    double wins = 0;
    for (std::size_t bin = 0; bin < bins_.count(); ++bin) {
      const auto different = static_cast<double>(counts_.different(bin));
      wins += static_cast<double>(counts_.same(bin)) * (below + different / 2);
      below += different;
    }
    return wins / (static_cast<double>(positives_) * static_cast<double>(negatives_));
  }

  /// The bin in which the false reject rate, rising, meets the false accept rate, and how many
  /// pairs lie below it.
  struct Crossing {
    std::size_t bin = 0;
    Index same_below = 0;
    Index different_below = 0;
  };

  double false_accept_rate(Index different_below) const {
    return static_cast<double>(negatives_ - different_below) / static_cast<double>(negatives_);
  }
  double false_reject_rate(Index same_below) const {
    return static_cast<double>(same_below) / static_cast<double>(positives_);
  }

  Crossing find_crossing() const {
    Crossing at;
    while (true) {
      const Index same = at.same_below + counts_.same(at.bin);
      const Index different = at.different_below + counts_.different(at.bin);
      if (false_reject_rate(same) >= false_accept_rate(different)) return at;
      at = {at.bin + 1, same, different};
    }
  }

  double equal_error_rate(Crossing at) const {
    double nearest = 2;
    double rate = 0;
    const auto look = [&] {
      const double false_accepts = false_accept_rate(at.different_below);
      const double false_rejects = false_reject_rate(at.same_below);
      if (std::abs(false_accepts - false_rejects) < nearest) {
        nearest = std::abs(false_accepts - false_rejects);
        rate = (false_accepts + false_rejects) / 2;
      }
    };
    look();
    for (const ScoreTally& tally : tallies_of(at.bin)) {
      at.same_below += tally.same;
      at.different_below += tally.different;
      look();
    }
    return rate;
  }

  /// Where one rate's threshold lies: in which bin, and how many pairs lie above that bin.
  struct Target {
    double far = 0;
    bool is_metric = true;  // or a point of the curve alone
    Index most = 0;
    std::size_t bin = 0;
    Index different_above = 0;
    Index same_above = 0;
  };

  std::vector<Target> find_targets(VerificationResult& result) const {
    std::vector<Target> targets;
    for (const double far : options_.far) {
      if (accepted_by_far(far, negatives_) < 1) {
        result.far_unsupported.push_back(far);
      } else {
        targets.push_back(find_target(far, true));
      }
    }
    for (Index i = 0; i < options_.curve; ++i) {
      const double far =
          std::pow(static_cast<double>(negatives_),
                   -static_cast<double>(i + 1) / static_cast<double>(options_.curve));
      if (accepted_by_far(far, negatives_) >= 1) targets.push_back(find_target(far, false));
    }
    return targets;
  }

  Target find_target(double far, bool is_metric) const {
    Target target{far, is_metric, accepted_by_far(far, negatives_), bins_.count() - 1, 0, 0};
    // most < negatives: a bin that holds too many comes.
    while (target.different_above + counts_.different(target.bin) <= target.most) {
      target.different_above += counts_.different(target.bin);
      target.same_above += counts_.same(target.bin);
      --target.bin;
    }
    return target;
  }

  /// Counts the scores of the bins that matter one by one, and all into the histogram.
  void look_into(const std::vector<Target>& targets, const Crossing& crossing,
                 AllPairsResult& result) {
    std::vector<bool> wanted(bins_.count());
    wanted[crossing.bin] = true;
    for (const Target& target : targets) wanted[target.bin] = true;
    struct Own {
      ScoreTallies tallies;
      std::vector<Index> counts = std::vector<Index>(2 * kHistogramBins);
      HardestRows hardest;
    };
    std::vector<Own> owns(static_cast<std::size_t>(workers_.threads()));
    for (Own& own : owns) own.hardest = HardestRows(options_.hardest);
    for_each_pair([&](int worker, bool same, double score, Index i, Index j) {
      Own& own = owns[static_cast<std::size_t>(worker)];
      ++own.counts[2 * histogram_bin(score, low_, high_, kHistogramBins) + (same ? 1 : 0)];
      if (wanted[bins_.of(score)]) own.tallies.add(score, same);
      own.hardest.look(same, {i, j, score});
    });
    ScoreHistogram& histogram = result.histogram;
    histogram = {low_, high_, std::vector<Index>(kHistogramBins),
                 std::vector<Index>(kHistogramBins)};
    HardestRows hardest(options_.hardest);
    for (const Own& own : owns) {
      tallies_.add(own.tallies);
      hardest.add(own.hardest);
      for (std::size_t bin = 0; bin < kHistogramBins; ++bin) {
        histogram.different[bin] += own.counts[2 * bin];
        histogram.same[bin] += own.counts[2 * bin + 1];
      }
    }
    tallies_.sort();
    result.false_accepts = hardest.false_accepts();
    result.false_rejects = hardest.false_rejects();
  }

  /// The different scores of a bin that was looked into, rising.
  std::span<const ScoreTally> tallies_of(std::size_t bin) const {
    const std::vector<ScoreTally>& all = tallies_.by_score();
    const auto first = std::partition_point(all.begin(), all.end(), [&](const ScoreTally& tally) {
      return bins_.of(tally.score) < bin;
    });
    const auto last = std::partition_point(
        first, all.end(), [&](const ScoreTally& tally) { return bins_.of(tally.score) == bin; });
    return {first, last};
  }

  void add_far(const Target& target, AllPairsResult& all) const {
    VerificationResult& result = all.verification;
    const std::span<const ScoreTally> tallies = tallies_of(target.bin);
    auto at = tallies.rbegin();
    Index different = target.different_above;
    Index same = target.same_above;
    while (different + at->different <= target.most) {
      different += at->different;
      same += at->same;
      ++at;
    }
    all.curve.push_back({at->score, same, different});
    if (!target.is_metric) return;
    result.metrics.push_back({fmt::format("tar@far={}", target.far),
                              static_cast<double>(same) / static_cast<double>(positives_)});
    result.thresholds.push_back({fmt::format("threshold@far={}", target.far), at->score});
  }

  const Workers& workers_;
  ConstMatrixView rows_;
  std::span<const std::int64_t> labels_;
  const AllPairsOptions& options_;
  ExactScores exact_;
  ScoreBins bins_;
  PairCounts counts_;
  ScoreTallies tallies_;
  double low_ = 0;
  double high_ = 0;
  Index positives_ = 0;
  Index negatives_ = 0;
};

}  // namespace

AllPairsResult verify_all_pairs(const Workers& workers, ConstMatrixView rows,
                                std::span<const std::int64_t> labels,
                                const AllPairsOptions& options) {
  check_count(static_cast<Index>(labels.size()), "labels", rows.rows(), "embeddings");
  if (rows.rows() < 2) {
    fail(ErrorKind::data, fmt::format("{} embeddings make no pair", rows.rows()));
  }
  if (options.far.size() > kMostRates) {
    fail(ErrorKind::usage,
         fmt::format("{} false accept rates; at most {}", options.far.size(), kMostRates));
  }
  check_rows(workers, rows, "embeddings");
  return AllPairs(workers, rows, labels, options).run();
}

}  // namespace kindred
