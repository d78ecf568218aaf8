#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace KINDRED_API kindred {

/// One score for each pair of rows, in float64: the larger the likelier the same class. Cosine (0
/// where a row is all zeros), inner product, or minus the Euclidean distance. Rows count as exact,
/// denormal numbers as zero; the scores are those of find_neighbors. a, b [N, D].
/// Fails with data on shapes that disagree and on rows that are not finite.
std::vector<double> score_pairs(const Workers& workers, ConstMatrixView a, ConstMatrixView b,
                                Similarity similarity = Similarity::cosine);

/// The same for rows first[i] and second[i] of one matrix. Fails with data where a pair names a row
/// that there is not.
std::vector<double> score_pairs(const Workers& workers, ConstMatrixView rows,
                                std::span<const Index> first, std::span<const Index> second,
                                Similarity similarity = Similarity::cosine);

struct VerificationOptions {
  std::vector<double> far = {1e-1, 1e-2, 1e-3,
                             1e-4, 1e-5, 1e-6};  ///< false accept rates, in (0, 1)
};

/// One fold, judged with the threshold that is best on all others.
struct FoldResult {
  std::int64_t fold = 0;
  double threshold = 0;  ///< minus infinity where accepting every pair is best
  double accuracy = 0;   ///< share of the fold's pairs that are judged right
  Index pairs = 0;
  Index same = 0;  ///< of them; none or all: the accuracy tells of one kind of error only
};

struct VerificationResult {
  /// accuracy_mean, accuracy_std (with folds), accuracy_best, base_rate (not over all pairs), auc,
  /// eer, tar@far=f...
  std::vector<MetricValue> metrics;
  /// threshold_best, threshold@far=f...: what scores have to be above for these metrics; minus
  /// infinity where every pair is accepted
  std::vector<MetricValue> thresholds;
  std::vector<FoldResult> folds;        ///< by fold number; empty without folds
  std::vector<double> far_unsupported;  ///< rates below 1 / negatives: left out of the metrics
  Index positives = 0;
  Index negatives = 0;
  double operator[](const std::string& name) const;
};

/// A pair is accepted when its score is above the threshold.
///   accuracy  for each fold the threshold best on the other folds, ties to the lowest; mean and
///             population standard deviation over folds (the protocol of LFW). A fold may hold
///             pairs of one kind only
///   accuracy_best  share of pairs that are judged right by the one threshold that is best for them
///             all, ties to the lowest: it has seen the pairs it is judged by
///   base_rate      share of pairs of the commoner kind: the accuracy of one answer for all, which
///             asks for no embeddings
///   auc       chance that a same pair scores above a different one, ties count half
///   eer       mean of false accept and false reject rate at the threshold where they are nearest
///   tar@far=f share of same pairs accepted by the lowest threshold that accepts at most
///             floor(f · negatives) different ones
/// scores, same (0 or 1) [N]; fold [N] or empty. Fails with data on counts that disagree, NaN,
/// pairs of one kind only, or a single fold.
VerificationResult evaluate_verification(std::span<const double> scores,
                                         std::span<const std::uint8_t> same,
                                         std::span<const std::int64_t> fold,
                                         const VerificationOptions& options = {});

/// Share of pairs that `threshold` judges right.
double accuracy_at(std::span<const double> scores, std::span<const std::uint8_t> same,
                   double threshold);

/// Scores of both kinds counted in bins of equal width from `low` to `high`: the last one holds
/// `high`.
struct ScoreHistogram {
  double low = 0;
  double high = 0;
  std::vector<Index> same;
  std::vector<Index> different;
};

/// The bin of `score`, which lies between `low` and `high`.
inline std::size_t histogram_bin(double score, double low, double high, std::size_t bins) {
  if (!(high > low)) return 0;
  const auto bin =
      static_cast<std::size_t>((score - low) / (high - low) * static_cast<double>(bins));
  return bin < bins ? bin : bins - 1;
}

/// From the lowest to the highest score, in `bins` >= 1 bins. REQUIRES what evaluate_verification
/// requires.
ScoreHistogram histogram_of(std::span<const double> scores, std::span<const std::uint8_t> same,
                            Index bins);

/// Rates when pairs scoring above `threshold` are accepted.
struct RocPoint {
  double threshold = 0;
  double false_accept_rate = 0;
  double true_accept_rate = 0;
};

/// The whole curve, by falling threshold: from (0, 0) to (1, 1), one point for each distinct score.
/// REQUIRES what evaluate_verification requires.
std::vector<RocPoint> roc_curve(std::span<const double> scores, std::span<const std::uint8_t> same);

/// The `count` worst mistakes: pairs of different classes with the highest scores, and of the same
/// class with the lowest, worst first, ties to the lower index.
struct HardestPairs {
  std::vector<Index> false_accepts;
  std::vector<Index> false_rejects;
};
HardestPairs hardest_pairs(std::span<const double> scores, std::span<const std::uint8_t> same,
                           Index count);

}  // namespace kindred
