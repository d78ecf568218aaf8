#include <gtest/gtest.h>

#include "loss/bases/class_products.h"
#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

// x = (ln 2, 0), weights (1, 0) (0, 1) (0, 0): logits ln 2, 0, 0, probabilities 1/2 1/4 1/4.
TEST(SoftmaxLoss, IsTheCrossEntropyByHand) {
  TestBatch batch;
  batch.depth = 2;
  batch.classes = 3;
  batch.embeddings = {std::log(2.0), 0};
  batch.labels = {1};
  LossRun run(one_loss("softmax"), batch);
  const std::vector<double> weights = {1, 0, 0, 1, 0, 0};
  std::copy(weights.begin(), weights.end(), run.parameters().begin());
  const double tolerance = sizeof(Scalar) == 4 ? 1e-6 : 1e-14;
  EXPECT_NEAR(run.compute(), std::log(4.0), tolerance);
  EXPECT_EQ(run.scalar("accuracy"), 0);
  // d/dx = Σ (p − q) w = (1/2, −3/4)
  EXPECT_NEAR(static_cast<double>(run.gradient()(0, 0)), 0.5, tolerance);
  EXPECT_NEAR(static_cast<double>(run.gradient()(0, 1)), -0.75, tolerance);
  const double expected[] = {0.5, 0, -0.75, 0, 0.25, 0};  // (p − q) x / ln 2
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(static_cast<double>(run.parameter_gradient()[i]), expected[i] * std::log(2.0),
                tolerance);
  }
}

TEST(SoftmaxLoss, DoesNotOverflow) {
  TestBatch batch = random_batch({0, 1, 2, 3}, 4, 41);
  for (double& x : batch.embeddings) x *= 1e4;
  LossRun run(one_loss("softmax", "scale = 64"), batch);
  EXPECT_TRUE(std::isfinite(run.compute()));
  for (Index i = 0; i < 4; ++i) {
    for (Index k = 0; k < 4; ++k) EXPECT_TRUE(std::isfinite(run.gradient()(i, k)));
  }
}

// More classes than are kept at once: the logits come again block by block.
TEST(SoftmaxLoss, IsTheSameInBlocksOfClasses) {
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < 512; ++i) labels.push_back(i * 37 % 18001);
  TestBatch batch = random_batch(labels, 6, 42);
  batch.classes = 18001;
  ASSERT_GT(batch.size() * batch.classes, ClassProducts::kKept);
  TestBatch half = batch;  // the same first 256 rows fit in one block
  half.labels.resize(256);
  half.embeddings.resize(256 * 6);
  half.targets.resize(256 * 6);
  ASSERT_LE(half.size() * half.classes, ClassProducts::kKept);
  TestBatch other = batch;
  other.labels.erase(other.labels.begin(), other.labels.begin() + 256);
  other.embeddings.erase(other.embeddings.begin(), other.embeddings.begin() + 256 * 6);
  other.targets.erase(other.targets.begin(), other.targets.begin() + 256 * 6);
  for (const char* settings : {"label_smoothing = 0.1", "normalize = true\nscale = 16"}) {
    LossRun whole(one_loss("softmax", settings), batch);
    LossRun first(one_loss("softmax", settings), half);
    LossRun second(one_loss("softmax", settings), other);
    // log-sum-exp over 18,001 classes in float32: relative 2^-22.
    const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;
    EXPECT_NEAR(whole.compute(), (first.compute() + second.compute()) / 2, tolerance);
    for (Index i = 0; i < 256; i += 17) {
      for (Index k = 0; k < 6; ++k) {
        EXPECT_NEAR(2 * static_cast<double>(whole.gradient()(i, k)),
                    static_cast<double>(first.gradient()(i, k)), tolerance * 0.01);
      }
    }
    for (std::size_t p = 0; p < 18001 * 6; p += 113) {
      EXPECT_NEAR(
          2 * static_cast<double>(whole.parameter_gradient()[p]),
          static_cast<double>(first.parameter_gradient()[p] + second.parameter_gradient()[p]),
          tolerance * 0.01);
    }
  }
}

TEST(SoftmaxLoss, KeepsTheLearningRateFactorOfItsWeights) {
  const TestBatch batch = random_batch({0, 1, 2}, 4, 43);
  LossRun run(one_loss("softmax", "learning_rate_factor = 10"), batch);
  EXPECT_EQ(run.table().find("loss.softmax.weights")->learning_rate_factor, 10);
}

}  // namespace
}  // namespace kindred::loss_test
