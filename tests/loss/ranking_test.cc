// Smooth-AP and the histogram loss on batches worked by hand.
#include <gtest/gtest.h>

#include <algorithm>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

// float32: a few operations on numbers of size 1.
constexpr double kTolerance = sizeof(Scalar) == 4 ? 1e-6 : 1e-12;

TestBatch three_rows(std::vector<double> embeddings, Index depth) {
  return {depth, 2, std::move(embeddings), {0, 0, 1}};
}

// a = (1, 0) and p = (0, 1) are kin, n = (1, 0) is another; T = 1, σ(x) = 1 / (1 + e^−x).
//   anchor a: s_ap = 0, s_an = 1: AP = 1 / (1 + σ(1)) = (e + 1) / (2e + 1)
//   anchor p: s_pa = 0, s_pn = 0: AP = 1 / (1 + 1/2) = 2/3
//   anchor n: no kin, no term
TEST(SmoothAp, IsOneMinusTheMeanSmoothAveragePrecision) {
  LossRun run(one_loss("smooth_ap", "temperature = 1"), three_rows({1, 0, 0, 1, 1, 0}, 2));
  const double e = std::exp(1.0);
  EXPECT_NEAR(run.compute(), 1 - ((e + 1) / (2 * e + 1) + 2.0 / 3) / 2, kTolerance);
  EXPECT_EQ(run.scalar("skipped_anchors"), 1);
}

// T → 0 counts ranks: kin at 0°, 10° and 40°, others at 21° and 29°.
TEST(SmoothAp, IsTheAveragePrecisionOfTrueRanksAtLowTemperature) {
  const auto direction = [](double degrees) {
    return std::vector<double>{std::cos(degrees * M_PI / 180), std::sin(degrees * M_PI / 180)};
  };
  TestBatch batch{2, 2, {}, {0, 0, 0, 1, 1}};
  for (const double degrees : {0.0, 10.0, 40.0, 21.0, 29.0}) {
    const auto row = direction(degrees);
    batch.embeddings.insert(batch.embeddings.end(), row.begin(), row.end());
  }
  LossRun run(one_loss("smooth_ap", "temperature = 0.0001"), batch);
  // Kin by rank among the other four rows:
  const double precision = ((1.0 / 1 + 2.0 / 4)    // 0°: kin at 10 (1st), 40 (4th)
                            + (1.0 / 1 + 2.0 / 4)  // 10°: kin at 10 (1st), 30 (4th)
                            + (1.0 / 3 + 2.0 / 4)  // 40°: kin at 30 (3rd), 40 (4th)
                            ) / 2 +
                           1.0 / 1    // 21°: kin at 8 (1st)
                           + 1.0 / 1  // 29°: kin at 8 (1st)
      ;
  EXPECT_NEAR(run.compute(), 1 - precision / 5, kTolerance);
}

// Nodes −1, 0, 1. The kin's cosine 1/2 counts half for 0 and half for 1: h⁺ = (0, 1/2, 1/2). The
// others' cosines 0 and −1/2: h⁻ = (1/4, 3/4, 0). Σ h⁻ · Σ_q<=r h⁺ = 3/4 · 1/2.
// Slopes: kin −h⁻(0) = −3/4; others h⁺(1) / 2 = 1/4 at 0 (upwards), h⁺(0) / 2 = 1/4 at −1/2.
TEST(HistogramLoss, IsTheOverlapOfTheHistograms) {
  const double root3 = std::sqrt(3.0);
  LossRun run(one_loss("histogram", "bins = 2"),
              three_rows({1, 0, 0, .5, root3 / 2, 0, 0, -1 / root3, std::sqrt(2.0 / 3)}, 3));
  EXPECT_NEAR(run.compute(), 0.375, kTolerance);
  // −3/4 p + 1/4 n, across a.
  const double expected[] = {0, -.75 * root3 / 2 - .25 / root3, .25 * std::sqrt(2.0 / 3)};
  for (Index k = 0; k < 3; ++k) {
    EXPECT_NEAR(static_cast<double>(run.gradient()(0, k)), expected[k], kTolerance) << k;
  }
}

TEST(HistogramLoss, IsOneWhereEveryOtherIsNearerAndZeroWhereNoneIs) {
  EXPECT_NEAR(LossRun(one_loss("histogram"), three_rows({1, 0, -1, 0, 0, 1}, 2)).compute(), 1,
              kTolerance);
  EXPECT_NEAR(LossRun(one_loss("histogram"), three_rows({1, 0, 1, 0, 0, 1}, 2)).compute(), 0,
              kTolerance);
}

TEST(HistogramLoss, IsZeroWithoutPairsOfBothKinds) {
  for (const std::vector<std::int64_t>& labels : {std::vector<std::int64_t>{0, 0, 0}, {0, 1, 2}}) {
    TestBatch batch = random_batch(labels, 4, 51);
    LossRun run(one_loss("histogram"), batch);
    EXPECT_EQ(run.compute(), 0);
    for (Index i = 0; i < 3; ++i) {
      for (Index k = 0; k < 4; ++k) EXPECT_EQ(run.gradient()(i, k), 0);
    }
  }
}

// Centers (1, 0), (0, 1), (−1, 0), each of the length 1 but the second of 2; embeddings at their
// centers, so that the center loss is 0 and moves nothing.
//   cosines 0, −1, 0: the mean over pairs of cos + 1 is (1 + 0 + 1) / 3
//   d Σ_k cos(c_1, c_k) / dc_1 = (Σ_k≠1 ĉ_k) across c_1 / ‖c_1‖ = (0, 1), of c_2: 0, of c_3: (0, 1)
//   step alpha · island / (C − 1) = 0.5 · 10 / 2
TEST(IslandLoss, IsTheWorkedValueAndPushesItsCentersApart) {
  const TestBatch batch{2, 4, {1, 0, 0, 2, -1, 0}, {0, 1, 2}};
  LossRun run(one_loss("island"), batch);
  const std::vector<double> before = {1, 0, 0, 2, -1, 0, 0, 0};  // the fourth was never seen
  const auto centers = run.state().find("loss.island.centers")->as<Scalar>();
  std::copy(before.begin(), before.end(), centers.begin());
  EXPECT_NEAR(run.compute(), 10 * 2.0 / 3, 10 * kTolerance);
  EXPECT_NEAR(run.scalar("mean_center_cosine"), -1.0 / 3, kTolerance);
  const std::vector<double> after = {1, -2.5, 0, 2, -1, -2.5, 0, 0};
  for (std::size_t c = 0; c < after.size(); ++c) {
    EXPECT_NEAR(static_cast<double>(centers[c]), after[c], kTolerance * 3) << c;
  }
}

TEST(IslandLoss, OfWeightZeroIsTheCenterLoss) {
  const TestBatch batch = random_batch({0, 1, 2, 0, 1, 2}, 5, 52);
  LossRun island(one_loss("island", "island = 0"), batch);
  LossRun center(one_loss("center"), batch);
  for (int step = 0; step < 3; ++step) EXPECT_EQ(island.compute(), center.compute());
  const auto own = island.state().find("loss.island.centers")->as<Scalar>();
  const auto plain = center.state().find("loss.center.centers")->as<Scalar>();
  EXPECT_TRUE(std::equal(own.begin(), own.end(), plain.begin()));
}

}  // namespace
}  // namespace kindred::loss_test
