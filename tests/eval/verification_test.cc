#include "kindred/eval/verification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "naive_ranking.h"
#include "support/error_of.h"

namespace kindred {
namespace {

using Scores = std::vector<double>;
using Marks = std::vector<std::uint8_t>;
using Folds = std::vector<std::int64_t>;

// Falling scores   9 8 7 6 5 4 3 2 1 0
// same             1 1 0 1 1 0 1 0 0 0
const Scores kScores = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
const Marks kSame = {1, 1, 0, 1, 1, 0, 1, 0, 0, 0};

TEST(Verification, IsWhatAHandWorkedCaseGives) {
  VerificationOptions options;
  options.far = {0.2, 0.4, 0.1};
  const VerificationResult result = evaluate_verification(kScores, kSame, {}, options);
  EXPECT_EQ(result.positives, 5);
  EXPECT_EQ(result.negatives, 5);
  // Of 25 couples (same, different) the same one is above but for 6 < 7, 5 < 7, 3 < 7, 3 < 4.
  EXPECT_DOUBLE_EQ(result["auc"], 21.0 / 25);
  // Threshold 4: accepted 9 8 7 6 5, of which one is not the same; rejected 3 is the same: 1/5,
  // 1/5.
  EXPECT_DOUBLE_EQ(result["eer"], 0.2);
  // One of five negatives may pass: threshold 4, four of five pass. Two: threshold 2, all pass.
  EXPECT_DOUBLE_EQ(result["tar@far=0.2"], 0.8);
  EXPECT_DOUBLE_EQ(result["tar@far=0.4"], 1);
  EXPECT_EQ(result.far_unsupported, std::vector<double>{0.1});
  // Thresholds 4 and 2 judge 8 of 10 right; the lower one is taken.
  EXPECT_DOUBLE_EQ(result["accuracy_best"], 0.8);
  EXPECT_DOUBLE_EQ(result["base_rate"], 0.5);
  EXPECT_EQ(result.metrics.size(), 6U);
  ASSERT_EQ(result.thresholds.size(), 3U);
  EXPECT_EQ(result.thresholds[0].name, "threshold_best");
  EXPECT_EQ(result.thresholds[0].value, 2);
  EXPECT_EQ(result.thresholds[1].name, "threshold@far=0.2");
  EXPECT_EQ(result.thresholds[1].value, 4);
  EXPECT_EQ(result.thresholds[2].value, 2);
  EXPECT_TRUE(result.folds.empty());
}

TEST(Verification, AccuracyAtAThresholdCountsBothKinds) {
  EXPECT_DOUBLE_EQ(accuracy_at(kScores, kSame, 4), 0.8);
  EXPECT_DOUBLE_EQ(accuracy_at(kScores, kSame, 7), 0.7);
  EXPECT_DOUBLE_EQ(accuracy_at(kScores, kSame, 100), 0.5);
}

TEST(Verification, HistogramHoldsEveryPairOnce) {
  const ScoreHistogram histogram = histogram_of(kScores, kSame, 3);
  EXPECT_EQ(histogram.low, 0);
  EXPECT_EQ(histogram.high, 9);
  EXPECT_EQ(histogram.same, (std::vector<Index>{0, 2, 3}));  // bins 0-2, 3-5, 6-9
  EXPECT_EQ(histogram.different, (std::vector<Index>{3, 1, 1}));
  const ScoreHistogram flat = histogram_of(Scores{2, 2}, Marks{0, 1}, 2);  // no width
  EXPECT_EQ(flat.same, (std::vector<Index>{1, 0}));
}

TEST(Verification, CountsTiesHalf) {
  const VerificationResult result =
      evaluate_verification(Scores{3, 3, 3, 1}, Marks{1, 0, 1, 0}, {}, {});
  EXPECT_DOUBLE_EQ(result["auc"], (0.5 + 1 + 0.5 + 1) / 4);
}

// Fold 1 is judged with the threshold of fold 0 and the other way round.
TEST(Verification, TakesThresholdsFromTheOtherFolds) {
  //                      fold 0            fold 1
  const Scores scores = {0.9, 0.8, 0.3, 0.1, 0.7, 0.6, 0.5, 0.4};
  const Marks same = {1, 1, 0, 0, 1, 0, 1, 0};
  const Folds fold = {0, 0, 0, 0, 1, 1, 1, 1};
  const VerificationResult result = evaluate_verification(scores, same, fold);
  ASSERT_EQ(result.folds.size(), 2U);
  // On fold 1: threshold 0.4 judges 3 of 4 right, so does 0.6; the lowest is taken. On fold 0 it
  // judges all right.
  EXPECT_EQ(result.folds[0].threshold, 0.4);
  EXPECT_EQ(result.folds[0].accuracy, 1);
  // On fold 0: threshold 0.3 judges all right. On fold 1 it accepts all: 2 of 4.
  EXPECT_EQ(result.folds[1].threshold, 0.3);
  EXPECT_EQ(result.folds[1].accuracy, 0.5);
  EXPECT_EQ(result.folds[1].pairs, 4);
  EXPECT_EQ(result["accuracy_mean"], 0.75);
  EXPECT_EQ(result["accuracy_std"], 0.25);
}

TEST(Verification, AcceptsAllWhereNothingIsBetter) {
  const VerificationResult result =
      evaluate_verification(Scores{1, 2, 3, 4}, Marks{1, 1, 1, 0}, Folds{0, 0, 1, 1});
  // Fold 0 holds pairs of one kind only: its threshold comes from fold 1, theirs from it.
  EXPECT_EQ(result.folds[1].threshold, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(result.folds[1].accuracy, 0.5);
}

TEST(Verification, AgreesWithAllThresholdsTriedOut) {
  Random random(1, Purpose::test);
  Scores scores;
  Marks same;
  Folds fold;
  for (int i = 0; i < 400; ++i) {
    same.push_back(static_cast<std::uint8_t>(random.below(2)));
    scores.push_back(static_cast<double>(random.below(40) + 8 * same.back()));
    fold.push_back(random.below(5));
  }
  const VerificationResult result = evaluate_verification(scores, same, fold);
  for (const FoldResult& own : result.folds) {
    Index best = -1;
    double threshold = 0;
    for (double t = -1; t < 60; ++t) {
      Index right = 0;
      for (std::size_t i = 0; i < scores.size(); ++i) {
        right += fold[i] != own.fold && (scores[i] > t) == (same[i] == 1) ? 1 : 0;
      }
      if (right > best) {
        best = right;
        threshold = t;
      }
    }
    EXPECT_EQ(own.threshold, threshold);
  }
  double wins = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (same[i] == 1 && same[j] == 0) {
        wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
      }
    }
  }
  EXPECT_NEAR(result["auc"],
              wins / static_cast<double>(result.positives) / static_cast<double>(result.negatives),
              1e-12);
}

TEST(Verification, CurveGoesFromNothingToAll) {
  const std::vector<RocPoint> curve = roc_curve(kScores, kSame);
  ASSERT_EQ(curve.size(), 11U);
  EXPECT_EQ(curve.front().false_accept_rate, 0);
  EXPECT_EQ(curve.front().true_accept_rate, 0);
  EXPECT_EQ(curve.back().false_accept_rate, 1);
  EXPECT_EQ(curve.back().true_accept_rate, 1);
  EXPECT_EQ(curve[3].threshold, 6);  // accepts 9 8 7
  EXPECT_EQ(curve[3].false_accept_rate, 0.2);
  EXPECT_EQ(curve[3].true_accept_rate, 0.4);
}

TEST(Verification, NamesTheHardestPairs) {
  const HardestPairs hardest = hardest_pairs(Scores{5, 5, 1, 9, 1, 2}, Marks{0, 0, 1, 1, 1, 0}, 2);
  EXPECT_EQ(hardest.false_accepts, (std::vector<Index>{0, 1}));
  EXPECT_EQ(hardest.false_rejects, (std::vector<Index>{2, 4}));
  EXPECT_EQ(hardest_pairs(kScores, kSame, 100).false_accepts.size(), 5U);
}

TEST(Verification, RefusesBadInput) {
  const auto message = [](const Scores& scores, const Marks& same, const Folds& fold) {
    return test::error_of([&] { evaluate_verification(scores, same, fold); }, ErrorKind::data);
  };
  EXPECT_EQ(message({1, 2}, {1}, {}), "1 same / not same marks for 2 pairs; each row needs one");
  EXPECT_EQ(message({1, 2}, {1, 0}, {0}), "1 fold numbers for 2 pairs; each row needs one");
  EXPECT_EQ(message({1, 2}, {1, 1}, {}),
            "all 2 pairs are marked same; verification needs pairs of both kinds");
  EXPECT_EQ(message({1, 2}, {0, 0}, {}),
            "all 2 pairs are marked not same; verification needs pairs of both kinds");
  EXPECT_EQ(message({1, 2}, {0, 2}, {}), "pair 1 is marked 2; expected 1 (same) or 0 (not same)");
  EXPECT_EQ(message({1, std::nan("")}, {0, 1}, {}), "the score of pair 1 is NaN");
  EXPECT_EQ(message({}, {}, {}), "there are no pairs");
  EXPECT_EQ(message({1, 2}, {1, 0}, {7, 7}),
            "all pairs are of fold 7; the threshold of a fold comes from the others, so two are "
            "needed");
  VerificationOptions options;
  options.far = {1};
  EXPECT_EQ(
      test::error_of([&] { evaluate_verification(kScores, kSame, {}, options); }, ErrorKind::usage),
      "false accept rate 1 is not between 0 and 1");
}

TEST(ScorePairs, AreExactInFloat64) {
  Matrix a(3, 2);
  Matrix b(3, 2);
  a(0, 0) = 3;
  a(0, 1) = 4;
  b(0, 0) = 4;
  b(0, 1) = 3;
  a(1, 0) = 1;  // b's row 1 and both rows 2 stay zero
  EXPECT_EQ(score_pairs(Workers(1), a, b), (Scores{0.96, 0, 0}));
  EXPECT_EQ(score_pairs(Workers(1), a, b, Similarity::inner_product), (Scores{24, 0, 0}));
  EXPECT_EQ(score_pairs(Workers(1), a, b, Similarity::euclidean), (Scores{-std::sqrt(2.0), -1, 0}));
}

TEST(ScorePairs, AreTakenFromRowsOfOneMatrix) {
  const Matrix rows = testing_rows::uniform(700, 20, 1);
  std::vector<Index> first;
  std::vector<Index> second;
  for (Index i = 0; i < 1000; ++i) {
    first.push_back(i * 7 % 700);
    second.push_back(i * 11 % 700);
  }
  const Scores scores = score_pairs(Workers(3), rows, first, second);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_NEAR(scores[i],
                naive::score(rows.row(first[i]), rows.row(second[i]), 20, Similarity::cosine),
                1e-14);
  }
}

TEST(ScorePairs, RefuseBadInput) {
  Matrix rows = testing_rows::uniform(4, 3, 1);
  const std::vector<Index> first = {0, 1};
  EXPECT_EQ(test::error_of(
                [&] {
                  score_pairs(Workers(1), rows, first, std::vector<Index>{2, 4});
                },
                ErrorKind::data),
            "pair 1 names row 4, but there are 4 embeddings");
  EXPECT_EQ(test::error_of([&] { score_pairs(Workers(1), rows, testing_rows::uniform(3, 3, 1)); },
                           ErrorKind::data),
            "the two sides of the pairs are 4 x 3 and 3 x 3; both must have the same shape");
  const Matrix fine = testing_rows::uniform(4, 3, 1);
  rows(2, 2) = std::nanf("");
  EXPECT_EQ(test::error_of([&] { score_pairs(Workers(1), fine, rows); }, ErrorKind::data),
            "second side of the pairs: row 2 of 4 has NaN at column 2");
}

}  // namespace
}  // namespace kindred
