#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/verification.h"

namespace KINDRED_API kindred {

struct AllPairsOptions {
  Similarity similarity = Similarity::cosine;
  std::vector<double> far = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};  ///< in (0, 1)
  Index hardest = 0;  ///< so many of the worst mistakes of each kind are named
  Index curve = 0;    ///< so many points of the curve, beside those of `far`
};

/// A pair of rows, the lower one first.
struct ScoredRows {
  Index first = 0;
  Index second = 0;
  double score = 0;
};

/// How many pairs score above a threshold.
struct AcceptedPairs {
  double threshold = 0;
  Index same = 0;
  Index different = 0;
};

struct AllPairsResult {
  VerificationResult verification;  ///< without folds
  ScoreHistogram histogram;
  std::vector<ScoredRows> false_accepts;  ///< worst first, ties to the lower rows
  std::vector<ScoredRows> false_rejects;
  std::vector<AcceptedPairs> curve;  ///< at rates spaced by logarithm; by falling threshold
  /// auc is at most this far from its exact value: scores are put into 4 million bins. All else is
  /// exact, from a second pass over the bins that decide.
  double uncertainty = 0;
};

/// Verification over all N (N - 1) / 2 pairs of different rows, same where the labels are equal,
/// scored as score_pairs scores them and never written down: memory does not grow with their
/// number. rows [N, D], labels [N]. The same bits for any number of threads. Fails with data on
/// counts that disagree, rows that are not finite, and pairs of one kind only; with usage on a rate
/// outside (0, 1).
AllPairsResult verify_all_pairs(const Workers& workers, ConstMatrixView rows,
                                std::span<const std::int64_t> labels,
                                const AllPairsOptions& options = {});

}  // namespace kindred
