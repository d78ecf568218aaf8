// Class weights of which a share takes part in each step (Partial FC, An et al. 2021).
#include <gtest/gtest.h>

#include "loss/bases/class_products.h"
#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

/// The labels whose `centers` rows of weights have a gradient.
std::vector<Index> taking_part(const LossRun& run, const TestBatch& batch, Index centers = 1) {
  std::vector<Index> labels;
  const Index size = centers * batch.depth;
  for (Index c = 0; c < batch.classes; ++c) {
    const auto first = run.parameter_gradient().begin() + c * size;
    if (std::any_of(first, first + size, [](Scalar g) { return g != 0; })) labels.push_back(c);
  }
  return labels;
}

/// Computes the same with the weights of the classes `labels` alone, and compares.
void expect_as_without_the_others(LossRun& run, const TestBatch& batch, const std::string& loss,
                                  const std::string& settings, const std::vector<Index>& labels,
                                  Index centers = 1) {
  TestBatch fewer = batch;
  fewer.classes = static_cast<Index>(labels.size());
  for (std::int64_t& label : fewer.labels) {
    label = std::lower_bound(labels.begin(), labels.end(), label) - labels.begin();
  }
  LossRun alone(one_loss(loss, settings), fewer);
  const Index size = centers * batch.depth;
  for (std::size_t c = 0; c < labels.size(); ++c) {
    std::copy_n(run.parameters().begin() + labels[c] * size, size,
                alone.parameters().begin() + static_cast<Index>(c) * size);
  }
  // float32: the same numbers in the same order, but for the sums over blocks of classes.
  const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;
  EXPECT_NEAR(run.report().value, alone.compute(), tolerance);
  for (Index i = 0; i < batch.size(); ++i) {
    for (Index k = 0; k < batch.depth; ++k) {
      ASSERT_NEAR(static_cast<double>(run.gradient()(i, k)),
                  static_cast<double>(alone.gradient()(i, k)), tolerance)
          << i;
    }
  }
  for (std::size_t c = 0; c < labels.size(); ++c) {
    for (Index k = 0; k < size; ++k) {
      ASSERT_NEAR(run.parameter_gradient()[static_cast<std::size_t>(labels[c] * size + k)],
                  alone.parameter_gradient()[c * static_cast<std::size_t>(size) +
                                             static_cast<std::size_t>(k)],
                  tolerance)
          << labels[c];
    }
  }
}

TestBatch three_of_six() {
  TestBatch batch = random_batch({0, 2, 2, 5}, 5, 61);
  batch.classes = 6;
  return batch;
}

// x = (ln 2, 0), weights (1, 0) (0, 1) (0, 0), label 1. A third of the classes is the own class
// alone: probability 1. All three: softmax_test.
TEST(ClassShare, OfTheOwnClassAloneCostsNothing) {
  TestBatch batch;
  batch.depth = 2;
  batch.classes = 3;
  batch.embeddings = {std::log(2.0), 0};
  batch.labels = {1};
  LossRun run(one_loss("softmax", "class_share = 0.3"), batch);
  const std::vector<double> weights = {1, 0, 0, 1, 0, 0};
  std::copy(weights.begin(), weights.end(), run.parameters().begin());
  EXPECT_EQ(run.compute(), 0);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(run.parameter_gradient()[i], 0) << i;
}

// The same with two classes of three: log(1 + e^0) or, with class 0, log(1 + e^(ln 2)) = log 3.
TEST(ClassShare, DrawsOneOfTwoOthersByHand) {
  TestBatch batch;
  batch.depth = 2;
  batch.classes = 3;
  batch.embeddings = {std::log(2.0), 0};
  batch.labels = {1};
  LossRun run(one_loss("softmax", "class_share = 0.6"), batch);
  const std::vector<double> weights = {1, 0, 0, 1, 0, 0};
  std::copy(weights.begin(), weights.end(), run.parameters().begin());
  const double tolerance = sizeof(Scalar) == 4 ? 1e-6 : 1e-14;
  Index with_first = 0;
  for (run.step = 0; run.step < 40; ++run.step) {
    const double value = run.compute();
    const bool first = value > 1;
    EXPECT_NEAR(value, std::log(first ? 3.0 : 2.0), tolerance);
    // d/dw of the class drawn = p x, p = 2/3 or 1/2.
    EXPECT_NEAR(run.parameter_gradient()[0], first ? std::log(2.0) * 2 / 3 : 0, tolerance);
    EXPECT_NEAR(run.parameter_gradient()[4], first ? 0 : std::log(2.0) / 2, tolerance);
    with_first += first ? 1 : 0;
  }
  EXPECT_GT(with_first, 5);  // of 40, 20 expected; less than one in a million
  EXPECT_LT(with_first, 35);
}

TEST(ClassShare, IsTheLossOverTheClassesThatTakePart) {
  for (const auto& [loss, settings, centers] : {std::tuple{"softmax", "label_smoothing = 0.1", 1},
                                                {"focal", "normalize = true", 1},
                                                {"arcface", "scale = 8", 1},
                                                {"sphereface", "", 1},
                                                {"subcenter_arcface", "scale = 8", 3}}) {
    const TestBatch batch = three_of_six();
    // Half of them: those of the batch and no other.
    LossRun run(one_loss(loss, std::string(settings) + "\nclass_share = 0.5"), batch);
    run.compute();
    expect_as_without_the_others(run, batch, loss, settings, {0, 2, 5}, centers);
    for (const Index c : taking_part(run, batch, centers)) {
      EXPECT_TRUE(c == 0 || c == 2 || c == 5) << loss << " " << c;
    }
  }
}

TEST(ClassShare, TakesAllClassesOfTheBatchWhateverTheShare) {
  TestBatch batch = random_batch({0, 1, 2, 3, 4, 5, 6, 7}, 5, 62);
  batch.classes = 10;
  LossRun run(one_loss("arcface", "class_share = 0.2"), batch);
  run.compute();
  EXPECT_EQ(taking_part(run, batch), (std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(ClassShare, DrawsTheOthersAnewAndEvenly) {
  TestBatch batch = random_batch({3}, 5, 63);
  batch.classes = 10;
  LossRun run(one_loss("softmax", "class_share = 0.4"), batch);
  std::vector<int> times(10, 0);
  constexpr int kSteps = 2000;
  for (run.step = 0; run.step < kSteps; ++run.step) {
    run.compute();
    const std::vector<Index> labels = taking_part(run, batch);
    ASSERT_EQ(labels.size(), 4U);
    for (const Index c : labels) ++times[static_cast<std::size_t>(c)];
  }
  EXPECT_EQ(times[3], kSteps);
  // 3 of 9 others a step: deviation √(2000 · 1/3 · 2/3) = 21; five of them.
  for (std::size_t c = 0; c < 10; ++c) {
    EXPECT_NEAR(times[c], c == 3 ? kSteps : kSteps / 3.0, 105) << c;
  }
}

// More products than are kept at once.
TEST(ClassShare, IsTheSameInBlocksOfClasses) {
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < 512; ++i) labels.push_back(i * 67 % 35000);
  TestBatch batch = random_batch(labels, 6, 64);
  batch.classes = 35000;
  ASSERT_GT(batch.size() * batch.classes / 2, ClassProducts::kKept);
  for (const char* settings : {"label_smoothing = 0.1", "normalize = true\nscale = 16"}) {
    LossRun run(one_loss("softmax", std::string(settings) + "\nclass_share = 0.5"), batch);
    run.compute();
    const std::vector<Index> taken = taking_part(run, batch);
    ASSERT_EQ(taken.size(), 17500U) << settings;
    expect_as_without_the_others(run, batch, "softmax", settings, taken);
  }
}

}  // namespace
}  // namespace kindred::loss_test
