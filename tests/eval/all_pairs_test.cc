#include "kindred/eval/all_pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "kindred/core/error.h"
#include "kindred/core/random.h"
#include "kindred/eval/neighbors.h"

namespace kindred {
namespace {

struct Rows {
  Matrix embeddings;
  std::vector<std::int64_t> labels;
};

/// Rows about centres that overlap, with equal rows among them.
Rows make_rows(Index count, Index dimension, Index classes, std::uint64_t seed) {
  Rows rows{Matrix(count, dimension), {}};
  for (Index i = 0; i < count; ++i) {
    const Index label = i % classes;
    Random centre(seed, Purpose::test, 1, static_cast<std::uint64_t>(label));
    Random noise(seed, Purpose::test, 2, static_cast<std::uint64_t>(i / 2 * 2));  // pairs are equal
    for (Index k = 0; k < dimension; ++k) {
      rows.embeddings(i, k) = centre.normal() + 1.5F * noise.normal();
    }
    rows.labels.push_back(label);
  }
  return rows;
}

/// The same pairs written out, with the very scores that the blocks give.
VerificationResult by_list(const Rows& rows, const AllPairsOptions& options) {
  const Index count = rows.embeddings.rows();
  const Neighbors all = find_neighbors(Workers(1), rows.embeddings, rows.embeddings, count - 1,
                                       options.similarity, true);
  std::vector<double> scores;
  std::vector<std::uint8_t> same;
  for (Index i = 0; i < count; ++i) {
    for (Index j = 0; j < count - 1; ++j) {
      const std::int64_t other = all.index(i, j);
      if (other < i) continue;
      const double score = all.score(i, j);
      scores.push_back(options.similarity == Similarity::euclidean ? -score : score);
      same.push_back(rows.labels[static_cast<std::size_t>(i)] ==
                             rows.labels[static_cast<std::size_t>(other)]
                         ? 1
                         : 0);
    }
  }
  return evaluate_verification(scores, same, {}, {options.far});
}

void expect_as_by_list(Similarity similarity) {
  const Rows rows = make_rows(700, 24, 9, 3);  // more than one block of the gallery
  AllPairsOptions options;
  options.similarity = similarity;
  options.far = {0.3, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6};
  const AllPairsResult result = verify_all_pairs(Workers(2), rows.embeddings, rows.labels, options);
  const VerificationResult expected = by_list(rows, options);
  EXPECT_EQ(result.verification.positives, expected.positives);
  EXPECT_EQ(result.verification.negatives, expected.negatives);
  EXPECT_EQ(result.verification.far_unsupported, (std::vector<double>{1e-6}));
  for (const MetricValue& metric : result.verification.metrics) {
    const double tolerance = metric.name == "auc" ? result.uncertainty + 1e-12 : 1e-12;
    EXPECT_NEAR(metric.value, expected[metric.name], tolerance) << metric.name;
  }
  EXPECT_EQ(result.verification.metrics.size(), 2 + 5);
  EXPECT_LT(result.uncertainty, 1e-3);
  std::size_t compared = 0;
  for (const MetricValue& threshold : result.verification.thresholds) {
    for (const MetricValue& other : expected.thresholds) {
      if (other.name != threshold.name) continue;
      EXPECT_NEAR(threshold.value, other.value, 1e-6) << threshold.name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 5U);
}

TEST(AllPairs, IsTheListOfAllPairsByCosine) { expect_as_by_list(Similarity::cosine); }
TEST(AllPairs, IsTheListOfAllPairsByInnerProduct) { expect_as_by_list(Similarity::inner_product); }
TEST(AllPairs, IsTheListOfAllPairsByDistance) { expect_as_by_list(Similarity::euclidean); }

TEST(AllPairs, CountsByHand) {
  // Angles 0, 10, 90 and 100 degrees; classes 0 0 1 1: same pairs cos 10 twice, different ones
  // cos 90, cos 100, cos 80, cos 90.
  Rows rows{Matrix(4, 2), {0, 0, 1, 1}};
  const double degree = 3.14159265358979 / 180;
  const double angles[] = {0, 10, 90, 100};
  for (Index i = 0; i < 4; ++i) {
    rows.embeddings(i, 0) = static_cast<float>(std::cos(angles[i] * degree));
    rows.embeddings(i, 1) = static_cast<float>(std::sin(angles[i] * degree));
  }
  AllPairsOptions options;
  options.far = {0.25, 0.1};
  const AllPairsResult result = verify_all_pairs(Workers(1), rows.embeddings, rows.labels, options);
  EXPECT_EQ(result.verification.positives, 2);
  EXPECT_EQ(result.verification.negatives, 4);
  EXPECT_DOUBLE_EQ(result.verification["auc"], 1);
  EXPECT_DOUBLE_EQ(result.verification["eer"], 0);
  EXPECT_DOUBLE_EQ(result.verification["tar@far=0.25"], 1);
  EXPECT_EQ(result.verification.far_unsupported, (std::vector<double>{0.1}));
  Index counted = 0;
  for (const Index n : result.histogram.same) counted += n;
  EXPECT_EQ(counted, 2);
  EXPECT_EQ(result.histogram.same.back(), 2);
  EXPECT_EQ(result.histogram.different.front(), 1);
}

TEST(AllPairs, IsTheSameForAnyNumberOfThreads) {
  const Rows rows = make_rows(900, 16, 30, 5);
  const AllPairsResult one = verify_all_pairs(Workers(1), rows.embeddings, rows.labels);
  for (const int threads : {2, 3, 8}) {
    const AllPairsResult many = verify_all_pairs(Workers(threads), rows.embeddings, rows.labels);
    ASSERT_EQ(many.verification.metrics.size(), one.verification.metrics.size());
    for (std::size_t m = 0; m < one.verification.metrics.size(); ++m) {
      EXPECT_EQ(many.verification.metrics[m].value, one.verification.metrics[m].value);
    }
    EXPECT_EQ(many.histogram.same, one.histogram.same);
    EXPECT_EQ(many.histogram.different, one.histogram.different);
  }
}

void expect_failure(const Rows& rows, const AllPairsOptions& options, ErrorKind kind,
                    const std::string& part) {
  try {
    verify_all_pairs(Workers(1), rows.embeddings, rows.labels, options);
    FAIL() << "no error: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(AllPairs, RefusesWhatCannotBeJudged) {
  expect_failure(make_rows(6, 4, 1, 1), {}, ErrorKind::data, "all 15 pairs");
  expect_failure(make_rows(6, 4, 6, 1), {}, ErrorKind::data, "not same");
  expect_failure(make_rows(1, 4, 1, 1), {}, ErrorKind::data, "make no pair");
  Rows rows = make_rows(6, 4, 2, 1);
  expect_failure(rows, {Similarity::cosine, {1.5}}, ErrorKind::usage, "1.5");
  rows.embeddings(3, 1) = std::numeric_limits<float>::quiet_NaN();
  expect_failure(rows, {}, ErrorKind::data, "3");
  rows = make_rows(6, 4, 2, 1);
  rows.labels.pop_back();
  expect_failure(rows, {}, ErrorKind::data, "5 labels");
}

}  // namespace
}  // namespace kindred
