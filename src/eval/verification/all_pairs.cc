#include "kindred/eval/all_pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <memory>

#include "eval/scores/check_rows.h"
#include "eval/scores/score_blocks.h"
#include "eval/verification/false_accepts.h"
#include "kindred/core/error.h"

namespace kindred {
namespace {

constexpr int kCoarseBits = 22;
constexpr int kFineBits = 32 - kCoarseBits;
constexpr std::size_t kCoarse = std::size_t{1} << kCoarseBits;
constexpr std::size_t kFine = std::size_t{1} << kFineBits;
constexpr std::size_t kHistogramBins = 200;
constexpr std::uint16_t kUnseen = 0xffff;
constexpr std::size_t kMostRates = 1000;

/// Rises with the score.
std::uint32_t key_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 and 0 are one score
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000U;
}

float score_of(std::uint32_t key) {
  return std::bit_cast<float>(key >> 31 != 0 ? key & 0x7fffffffU : ~key);
}

/// How many pairs of each kind have a score of each bin. Adding whole numbers gives the same sums
/// in any order, so that all workers share one table.
class Counts {
 public:
  explicit Counts(std::size_t bins)
      : bins_(bins), counts_(std::make_unique<std::atomic<Index>[]>(2 * bins)) {}
  std::size_t bins() const { return bins_; }
  void add(bool same, std::size_t bin) {
    counts_[2 * bin + (same ? 1 : 0)].fetch_add(1, std::memory_order_relaxed);
  }
  Index same(std::size_t bin) const { return counts_[2 * bin + 1].load(std::memory_order_relaxed); }
  Index different(std::size_t bin) const {
    return counts_[2 * bin].load(std::memory_order_relaxed);
  }

 private:
  std::size_t bins_;
  std::unique_ptr<std::atomic<Index>[]> counts_;
};

class AllPairs {
 public:
  AllPairs(const Workers& workers, ConstMatrixView rows, std::span<const std::int64_t> labels,
           const AllPairsOptions& options)
      : workers_(workers),
        rows_(rows),
        labels_(labels),
        options_(options),
        gallery_(workers, rows, options.similarity),
        counts_(kCoarse) {}

  AllPairsResult run() {
    for_each_pair([&](bool same, float score) { counts_.add(same, key_of(score) >> kFineBits); });
    count_kinds();
    AllPairsResult result;
    VerificationResult& verification = result.verification;
    verification.positives = positives_;
    verification.negatives = negatives_;
    const std::vector<Target> targets = find_targets(verification);
    const Crossing crossing = find_crossing();
    look_into(targets, crossing);
    verification.metrics.push_back({"auc", area_under_curve()});
    verification.metrics.push_back({"eer", equal_error_rate(crossing)});
    for (const Target& target : targets) add_far(target, verification);
    result.uncertainty = uncertainty();
    add_histogram(result.histogram);
    return result;
  }

 private:
  template <typename Use>
  void for_each_pair(Use use) {
    std::vector<std::unique_ptr<QueryBlock>> blocks(static_cast<std::size_t>(workers_.threads()));
    const Index step = QueryBlock::rows_per_task(rows_.rows());
    workers_.for_blocks(rows_.rows(), step, [&](Index begin, Index end, int worker) {
      auto& queries = blocks[static_cast<std::size_t>(worker % workers_.threads())];
      if (!queries) queries = std::make_unique<QueryBlock>(gallery_);
      queries->load(rows_, {}, begin, end);
      for (Index block = begin / Gallery::kBlock; block < gallery_.blocks(); ++block) {
        const ScoreTile tile = queries->score(block);
        for (Index i = begin; i < end; ++i) {
          const float* scores = tile.scores.row(i - begin);
          const std::int64_t label = labels_[static_cast<std::size_t>(i)];
          const std::int64_t* labels = labels_.data() + tile.first;
          for (Index j = std::max<Index>(0, i + 1 - tile.first); j < tile.scores.cols(); ++j) {
            use(labels[j] == label, scores[j]);
          }
        }
      }
    });
  }

  void count_kinds() {
    for (std::size_t bin = 0; bin < kCoarse; ++bin) {
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
    for (std::size_t bin = 0; bin < kCoarse; ++bin) {
      unordered +=
          static_cast<double>(counts_.same(bin)) * static_cast<double>(counts_.different(bin));
    }
    return unordered / 2 / (static_cast<double>(positives_) * static_cast<double>(negatives_));
  }

  double area_under_curve() const {
    double below = 0;
    double wins = 0;
    for (std::size_t bin = 0; bin < kCoarse; ++bin) {
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
    const std::size_t base = fine_base(at.bin);
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
    for (std::size_t i = 0; i < kFine; ++i) {
      at.same_below += fine_->same(base + i);
      at.different_below += fine_->different(base + i);
      look();
    }
    return rate;
  }

  /// Where one rate's threshold lies: in which bin, and how many pairs lie above that bin.
  struct Target {
    double far = 0;
    Index most = 0;
    std::size_t bin = 0;
    Index different_above = 0;
    Index same_above = 0;
  };

  std::vector<Target> find_targets(VerificationResult& result) const {
    std::vector<Target> targets;
    for (const double far : options_.far) {
      Target target{far, accepted_by_far(far, negatives_), kCoarse - 1, 0, 0};
      if (target.most < 1) {
        result.far_unsupported.push_back(far);
        continue;
      }
      // most < negatives: a bin that holds too many comes.
      while (target.different_above + counts_.different(target.bin) <= target.most) {
        target.different_above += counts_.different(target.bin);
        target.same_above += counts_.same(target.bin);
        --target.bin;
      }
      targets.push_back(target);
    }
    return targets;
  }

  /// Counts the scores of the bins that matter one by one.
  void look_into(const std::vector<Target>& targets, const Crossing& crossing) {
    slots_.assign(kCoarse, kUnseen);
    std::size_t used = 0;
    const auto want = [&](std::size_t bin) {
      if (slots_[bin] == kUnseen) slots_[bin] = static_cast<std::uint16_t>(used++);
    };
    want(crossing.bin);
    for (const Target& target : targets) want(target.bin);
    fine_ = std::make_unique<Counts>(used * kFine);
    for_each_pair([&](bool same, float score) {
      const std::uint32_t key = key_of(score);
      const std::size_t slot = slots_[key >> kFineBits];
      if (slot != kUnseen) fine_->add(same, slot * kFine + (key & (kFine - 1)));
    });
  }

  std::size_t fine_base(std::size_t bin) const { return slots_[bin] * kFine; }

  void add_far(const Target& target, VerificationResult& result) const {
    const std::size_t base = fine_base(target.bin);
    std::size_t at = kFine - 1;
    Index different = target.different_above;
    Index same = target.same_above;
    while (different + fine_->different(base + at) <= target.most) {
      different += fine_->different(base + at);
      same += fine_->same(base + at);
      --at;
    }
    const auto key = static_cast<std::uint32_t>(target.bin << kFineBits | at);
    result.metrics.push_back({fmt::format("tar@far={}", target.far),
                              static_cast<double>(same) / static_cast<double>(positives_)});
    result.thresholds.push_back({fmt::format("threshold@far={}", target.far), told(score_of(key))});
  }

  /// A score as score_pairs gives it: Euclidean scores are squared inside.
  double told(float score) const {
    if (options_.similarity != Similarity::euclidean) return static_cast<double>(score);
    return -std::sqrt(std::max(-static_cast<double>(score), 0.0));
  }

  double middle(std::size_t bin) const {
    return told(score_of(static_cast<std::uint32_t>(bin << kFineBits | kFine / 2)));
  }

  void add_histogram(ScoreHistogram& histogram) const {
    const auto used = [&](std::size_t bin) {
      return counts_.same(bin) + counts_.different(bin) > 0;
    };
    std::size_t first = 0;
    std::size_t last = kCoarse - 1;
    while (!used(first)) ++first;
    while (!used(last)) --last;
    histogram = {middle(first), middle(last), std::vector<Index>(kHistogramBins),
                 std::vector<Index>(kHistogramBins)};
    for (std::size_t bin = first; bin <= last; ++bin) {
      if (!used(bin)) continue;
      const std::size_t at =
          histogram_bin(middle(bin), histogram.low, histogram.high, kHistogramBins);
      histogram.same[at] += counts_.same(bin);
      histogram.different[at] += counts_.different(bin);
    }
  }

  const Workers& workers_;
  ConstMatrixView rows_;
  std::span<const std::int64_t> labels_;
  const AllPairsOptions& options_;
  Gallery gallery_;
  Counts counts_;
  std::vector<std::uint16_t> slots_;  // of each coarse bin, in fine_
  std::unique_ptr<Counts> fine_;
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
