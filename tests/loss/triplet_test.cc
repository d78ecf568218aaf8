#include <gtest/gtest.h>

#include <algorithm>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

TestBatch points(std::vector<double> numbers, std::vector<std::int64_t> labels, Index depth) {
  TestBatch batch;
  batch.depth = depth;
  batch.classes = *std::max_element(labels.begin(), labels.end()) + 1;
  batch.embeddings = std::move(numbers);
  batch.labels = std::move(labels);
  return batch;
}

double number(Scalar x) { return static_cast<double>(x); }

TEST(TripletLoss, IsZeroWhenMarginIsMet) {
  LossRun run(one_loss("triplet", "normalize = false\nmargin = 0.5"),
              points({0, 0, 0.1, 0, 9, 9, 9, 9.1}, {0, 0, 1, 1}, 2));
  EXPECT_EQ(run.compute(), 0);
  EXPECT_EQ(run.scalar("active_share"), 0);
  for (Index i = 0; i < 4; ++i) {
    for (Index k = 0; k < 2; ++k) EXPECT_EQ(run.gradient()(i, k), 0);
  }
}

TEST(TripletLoss, IsZeroWithoutPositivesOrNegatives) {
  for (const char* mining : {"hard", "semihard", "all"}) {
    const std::string settings = std::string("mining = '") + mining + "'";
    for (const auto& labels : {std::vector<std::int64_t>{0, 0, 0}, {0, 1, 2}}) {
      LossRun run(one_loss("triplet", settings), points({1, 0, 0, 1, 1, 1}, labels, 2));
      EXPECT_EQ(run.compute(), 0) << mining;
      EXPECT_EQ(run.scalar("skipped_anchors"), 3) << mining;
      for (Index i = 0; i < 3; ++i) {
        for (Index k = 0; k < 2; ++k) EXPECT_EQ(run.gradient()(i, k), 0) << mining;
      }
    }
  }
}

// The reference file has no Euclidean case with two equal rows: on a line, by hand.
//   x = 0, 0, 3 (class 0)   1, 1 (class 1)    margin 1, raw, all triplets
//   d(a,p) - d(a,n) + 1:
//   a=0: p=0': 0-1+1 = 0 twice (not active); p=3: 3-1+1 = 3 twice      (both zeros alike: 12)
//   a=3: p=0: 3-2+1 = 2 twice, p=0': 2 twice                            (8)
//   a=1: p=1': n=0: 0-1+1 = 0, n=0': 0, n=3: 0-2+1 < 0                  (0, both ones)
//   nonzero: 4 + 4 = 8, sum 20, loss 2.5
TEST(TripletLoss, TakesTwoEqualRowsAsDistanceZeroWithGradientZero) {
  for (const char* distance : {"euclidean"}) {
    LossRun run(one_loss("triplet", std::string("mining = 'all'\nnormalize = false\nmargin = 1\n") +
                                        "distance = '" + distance + "'"),
                points({0, 0, 3, 1, 1}, {0, 0, 0, 1, 1}, 1));
    EXPECT_DOUBLE_EQ(run.compute(), 2.5);
    // Gradient times 8. Row 0 as anchor: two terms, d(0,3) pulls by -1 each, d(0,n) by +1 each: 0.
    // As positive of a=3: two terms, -1 each: -2. Row 3 as anchor: four terms, +1 from the
    // positive, -1 from the negatives: 0; as positive of both zeros: two terms each: +4.
    // A one as negative: of both zeros, one term each, -(+1): -2; of a=3, two terms: +2.
    const double expected[] = {-2, -2, 4, 0, 0};
    for (Index i = 0; i < 5; ++i) EXPECT_NEAR(number(run.gradient()(i, 0)) * 8, expected[i], 1e-6);
  }
}

TEST(TripletLoss, MinesTheHardestAndGivesTiesToTheLowerRow) {
  // Anchor 0 at the origin: positives 1 and 2 both at distance 2, negatives 3 and 4 both at 1.
  // Other anchors: 1 and 2 meet negative 3 or 4 at 1, and their positive at 2 or 4.
  LossRun run(one_loss("triplet", "normalize = false\nmargin = 0.5\nreduction = 'mean'"),
              points({0, 0, 2, 0, -2, 0, 0, 1, 0, -1}, {0, 0, 0, 1, 2}, 2));
  // anchor 0: 2 - 1 + .5; anchors 1, 2: 4 - sqrt 5 + .5; rows 3 and 4 have no positive.
  EXPECT_NEAR(run.compute(), (1.5 + 2 * (4.5 - std::sqrt(5.0))) / 3, 1e-6);
  EXPECT_EQ(run.scalar("skipped_anchors"), 2);
  // Row 4 is nowhere the lower one.
  EXPECT_EQ(run.gradient()(4, 0), 0);
  EXPECT_EQ(run.gradient()(4, 1), 0);
  EXPECT_NE(run.gradient()(3, 1), 0);
}

TEST(TripletLoss, TakesSemihardNegativesOnly) {
  // Anchor at 0, positive at 1; negatives at 0.5 (harder than semi-hard), 1.2 (semi-hard), 3
  // (easy).
  LossRun run(one_loss("triplet", "mining = 'semihard'\nnormalize = false\nmargin = 0.5"),
              points({0, 1, -0.5, -1.2, -3}, {0, 0, 1, 2, 3}, 1));
  // Anchor 0: 1 - 1.2 + .5 = .3. Anchor 1: d = 1, negatives at 1.5 (1 - 1.5 + .5 = 0), 2.2, 4.
  EXPECT_NEAR(run.compute(), 0.3, 1e-6);
}

TEST(TripletLoss, SwapsInThePositiveWhereItIsNearerToTheNegative) {
  // d(a,p) = 1, d(a,n) = 3, d(p,n) = 2 from anchor 0; anchor 1 is the nearer one itself.
  const TestBatch batch = points({0, 1, 3}, {0, 0, 1}, 1);
  const std::string settings = "normalize = false\nmargin = 2\nreduction = 'mean'\n";
  EXPECT_NEAR(LossRun(one_loss("triplet", settings), batch).compute(), (0.0 + 1.0) / 2, 1e-6);
  EXPECT_NEAR(LossRun(one_loss("triplet", settings + "swap = true"), batch).compute(), 1.0, 1e-6);
  EXPECT_NEAR(
      LossRun(one_loss("triplet", settings + "swap = true\nmining = 'all'"), batch).compute(), 1.0,
      1e-6);
}

TEST(TripletLoss, ReportsACollapse) {
  std::vector<double> numbers;
  for (int i = 0; i < 8; ++i) numbers.insert(numbers.end(), {0.3, -0.4, 0.5});
  LossRun run(one_loss("triplet"), points(numbers, {0, 0, 1, 1, 2, 2, 3, 3}, 3));
  EXPECT_NEAR(run.compute(), 0.2, 1e-6);
  EXPECT_EQ(run.scalar("active_share"), 1);
  EXPECT_EQ(run.scalar("mean_distance"), 0);
  EXPECT_EQ(run.scalar("distance_spread"), 0);
}

// Against the loops of the definition, over batches that fill several tiles and vectors.
struct Naive {
  double value = 0;
  double nonzero = 0;
  double count = 0;
};

Naive naive(const TestBatch& batch, const std::string& mining, bool swap, double margin) {
  const auto distance = [&](Index i, Index j) {
    double sum = 0;
    for (Index k = 0; k < batch.depth; ++k) {
      const double d = batch.embeddings[static_cast<std::size_t>(i * batch.depth + k)] -
                       batch.embeddings[static_cast<std::size_t>(j * batch.depth + k)];
      sum += d * d;
    }
    return std::sqrt(sum);
  };
  const auto same = [&](Index i, Index j) {
    return batch.labels[static_cast<std::size_t>(i)] == batch.labels[static_cast<std::size_t>(j)];
  };
  Naive result;
  for (Index a = 0; a < batch.size(); ++a) {
    for (Index p = 0; p < batch.size(); ++p) {
      if (p == a || !same(a, p)) continue;
      for (Index n = 0; n < batch.size(); ++n) {
        if (same(a, n)) continue;
        const double gap = distance(a, n) - distance(a, p);
        if (mining == "semihard" && !(gap > 0 && gap <= margin)) continue;
        double negative = distance(a, n);
        if (swap) negative = std::min(negative, distance(p, n));
        const double term = std::max(0.0, distance(a, p) - negative + margin);
        result.value += term;
        result.nonzero += term > 0 ? 1 : 0;
        result.count += 1;
      }
    }
  }
  return result;
}

TEST(TripletLoss, AgreesWithTheLoopsOfItsDefinition) {
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < 83; ++i) labels.push_back(i * i % 11);
  const TestBatch batch = random_batch(labels, 7, 21);
  for (const char* mining : {"semihard", "all"}) {
    for (const bool swap : {false, true}) {
      const Naive expected = naive(batch, mining, swap, 0.7);
      LossRun run(one_loss("triplet", std::string("normalize = false\nmargin = 0.7\nmining = '") +
                                          mining + "'\nswap = " + (swap ? "true" : "false")),
                  batch);
      // float32: distances of size 4 to 2^-22; a term on the brink of the hinge is of that size.
      const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;
      EXPECT_NEAR(run.compute(), expected.value / expected.nonzero, tolerance) << mining << swap;
      EXPECT_NEAR(run.scalar("active_share"), expected.nonzero / expected.count, 1e-3);
    }
  }
}

}  // namespace
}  // namespace kindred::loss_test
