// Six points on the unit circle, small enough to do by hand; the values are checked in
// pytorch-metric-learning to 9 digits.
#include <gtest/gtest.h>

#include <algorithm>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

struct Worked {
  std::string loss;
  std::string settings;
  double value;
};

void PrintTo(const Worked& worked, std::ostream* out) { *out << worked.loss << worked.settings; }

TestBatch circle() {
  TestBatch batch;
  batch.depth = 2;
  batch.classes = 3;
  batch.embeddings = {1, 0, .8, .6, 0, 1, -.6, .8, -1, 0, .28, -.96};
  batch.labels = {0, 0, 1, 1, 2, 2};
  return batch;
}

class Hand : public testing::TestWithParam<Worked> {};

TEST_P(Hand, ValueIsTheWorkedOne) {
  LossRun run(one_loss(GetParam().loss, GetParam().settings), circle());
  if (run.table().segments().size() == 1) {
    const std::vector<double> weights = {1, 0, 0, 1, -.6, -.8};
    std::copy(weights.begin(), weights.end(), run.parameters().begin());
  }
  // 9 digits are printed; float32 holds 7 of a sum of some ten terms.
  const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-9;
  EXPECT_NEAR(run.compute(), GetParam().value, tolerance * std::max(1.0, GetParam().value));
}

std::vector<Worked> worked() {
  const std::vector<Worked> all = {
      {"triplet", "mining = 'all'\nmargin = 0.05", 0.361743716},
      {"triplet", "mining = 'all'\nmargin = 0.05\nreduction = 'mean'", 0.060290619},
      {"triplet", "mining = 'all'\nmargin = 0.05\ndistance = 'squared_euclidean'", 1.196666667},
      {"triplet", "mining = 'hard'\nmargin = 0.5\nreduction = 'mean'", 0.469942972},
      {"contrastive", "pos_margin = 0\nneg_margin = 1", 1.060543164},
      {"multi_similarity", "", 0.504374434},
      {"circle", "", 45.411741111},
      {"supcon", "", 2.465988355},
      {"ntxent", "", 3.456709085},
      {"proxy_anchor", "", 11.521093392},
      {"proxy_nca", "softmax_scale = 1", 0.291975519},
      {"arcface", "margin = 0.4991641660703782", 3.423964636},  // 28.6 degrees
      {"cosface", "", 1.942812492},
      {"sphereface", "", 1.270301630},
      {"normalized_softmax", "scale = 20", 0.003302709},
      // Not in that library's version: from loops over the definitions, in float64.
      {"smooth_ap", "", 0.194475518},
      {"smooth_ap", "temperature = 0.1", 0.259563966},
      {"histogram", "", 0.166666667},
      {"histogram", "bins = 4", 0.277964444},
  };
  std::vector<Worked> registered;
  for (const Worked& one : all) {
    for (const LossEntry& entry : loss_registry()) {
      if (entry.name == one.loss) registered.push_back(one);
    }
  }
  return registered;
}

INSTANTIATE_TEST_SUITE_P(SixPoints, Hand, testing::ValuesIn(worked()));

// On a line, raw: x = 0, 0, 2 (class 0), 0 (class 1). The kin at distance 0 cost nothing, the four
// ordered pairs (0, 2) 2 each; the other at distance 0 costs neg_margin = 1 from both sides of both
// zeros, the one at distance 2 nothing: 2 + 1. The gradient of a distance at 0 is 0: the other
// moves nothing, each of the four pairs pulls by 1/4 at both ends.
TEST(ContrastiveLoss, TakesEqualRowsAsDistanceZeroWithGradientZero) {
  LossRun run(one_loss("contrastive", "normalize = false"), {1, 2, {0, 0, 2, 0}, {0, 0, 0, 1}});
  EXPECT_DOUBLE_EQ(run.compute(), 3);
  const double expected[] = {-.5, -.5, 1, 0};
  for (Index i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(static_cast<double>(run.gradient()(i, 0)), expected[i]) << i;
  }
}

TEST(CenterLoss, IsTheWorkedValueAndMovesItsCentersAsPublished) {
  LossRun run(one_loss("center"), circle());
  const std::vector<double> before = {.5, 0, 0, .5, 0, 0};
  const auto centers = run.state().find("loss.center.centers")->as<Scalar>();
  std::copy(before.begin(), before.end(), centers.begin());
  // 2^-24 of numbers of size 1, a few operations.
  EXPECT_NEAR(run.compute(), 0.283333333, 1e-6);
  const std::vector<double> after = {.6333333333, .1, -.1, .6333333333, -.12, -.16};
  for (std::size_t c = 0; c < after.size(); ++c) {
    EXPECT_NEAR(static_cast<double>(centers[c]), after[c], 1e-6) << c;
  }
  // (x - c) / B of the first row
  EXPECT_NEAR(static_cast<double>(run.gradient()(0, 0)), .5 / 6, 1e-7);
}

TEST(CenterLoss, OfFacenetTakesTheMeanOverAllNumbersAndNoDivisor) {
  LossRun run(one_loss("center", "update = 'facenet'"), circle());
  // Centers at zero: mean of x² over 12 numbers of six unit rows.
  EXPECT_NEAR(run.compute(), 0.5, 1e-6);
  const auto centers = run.state().find("loss.center.centers")->as<Scalar>();
  EXPECT_NEAR(static_cast<double>(centers[0]), 0.05 * 1.8, 1e-7);
  EXPECT_NEAR(static_cast<double>(centers[1]), 0.05 * 0.6, 1e-7);
}

TEST(CenterLoss, LeavesCentersOfAbsentClassesAlone) {
  TestBatch batch = circle();
  batch.classes = 5;
  LossRun run(one_loss("center"), batch);
  const auto centers = run.state().find("loss.center.centers")->as<Scalar>();
  std::fill(centers.begin(), centers.end(), Scalar{7});
  run.compute();
  for (std::size_t c = 6; c < 10; ++c) EXPECT_EQ(centers[c], Scalar{7});
}

}  // namespace
}  // namespace kindred::loss_test
