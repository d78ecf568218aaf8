#include "loss/between_class_cosine.h"

#include <gtest/gtest.h>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

// Pair by pair. Zero rows are equal among each other and across all others.
double naive(const TestBatch& batch) {
  double sum = 0;
  double pairs = 0;
  const auto dot = [&](Index i, Index j) {
    double total = 0;
    for (Index k = 0; k < batch.depth; ++k) {
      total += batch.embeddings[static_cast<std::size_t>(i * batch.depth + k)] *
               batch.embeddings[static_cast<std::size_t>(j * batch.depth + k)];
    }
    return total;
  };
  for (Index i = 0; i < batch.size(); ++i) {
    for (Index j = 0; j < batch.size(); ++j) {
      if (batch.labels[static_cast<std::size_t>(i)] == batch.labels[static_cast<std::size_t>(j)]) {
        continue;
      }
      const double lengths = std::sqrt(dot(i, i) * dot(j, j));
      const bool both_zero = dot(i, i) == 0 && dot(j, j) == 0;
      sum += lengths > 0 ? dot(i, j) / lengths : both_zero ? 1 : 0;
      pairs += 1;
    }
  }
  return sum / pairs;
}

double measured(const TestBatch& batch, const std::string& loss = "softmax") {
  LossRun run(one_loss(loss), batch);
  run.compute();
  return run.objective().between_class_cosine();
}

TEST(BetweenClassCosine, IsTheMeanOverPairsOfTwoClasses) {
  const TestBatch batch = random_batch({3, 0, 1, 1, 2, 0, 3, 3, 1}, 5, 41);
  EXPECT_NEAR(measured(batch), naive(batch), 1e-6);  // unit rows are float32
}

TEST(BetweenClassCosine, CountsZeroRowsAsEqual) {
  TestBatch batch = random_batch({0, 1, 2, 0, 1, 2}, 4, 42);
  for (const Index row : {0, 1, 5}) {
    for (Index k = 0; k < 4; ++k) batch.at(row, k) = 0;
  }
  EXPECT_NEAR(measured(batch), naive(batch), 1e-6);
  for (double& number : batch.embeddings) number = 0;
  EXPECT_EQ(measured(batch), 1);
}

TEST(BetweenClassCosine, IsOneWhereAllRowsAreEqualForEveryLoss) {
  TestBatch batch = random_batch({0, 1, 2, 0, 1, 2}, 4, 43);
  for (Index i = 1; i < 6; ++i) {
    for (Index k = 0; k < 4; ++k) batch.at(i, k) = batch.at(0, k);
  }
  for (const LossEntry& entry : loss_registry()) {
    EXPECT_NEAR(measured(batch, std::string(entry.name)), 1, 1e-6) << entry.name;
  }
}

TEST(BetweenClassCosine, IsNoNumberWithoutPairsOrOfPredictionsThatDiffer) {
  EXPECT_TRUE(std::isnan(measured(random_batch({0, 0, 0}, 4, 44), "center")));
  // All predictions are positive: their directions say nothing.
  TestBatch batch = random_batch({0, 1, 2}, 1, 45);
  batch.embeddings = {3, 4, 5};
  EXPECT_TRUE(std::isnan(measured(batch, "mse")));
}

}  // namespace
}  // namespace kindred::loss_test
