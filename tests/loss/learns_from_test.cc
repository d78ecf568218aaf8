// What a registry row says that a loss learns from is what it does.
#include <gtest/gtest.h>

#include <algorithm>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

/// The gradient of a second step, whose rows have these labels.
ScalarMatrix second_gradient(const std::string& loss, TestBatch batch,
                             const std::vector<std::int64_t>& labels) {
  LossRun run(one_loss(loss), batch);
  run.compute();  // centers and the like are somewhere
  batch.labels = labels;
  run.set_batch(batch);
  run.compute();
  ScalarMatrix gradient(batch.size(), batch.depth);
  for (Index i = 0; i < batch.size(); ++i) {
    std::copy_n(run.gradient().row(i), batch.depth, gradient.row(i));
  }
  return gradient;
}

bool differ(const ScalarMatrix& one, const ScalarMatrix& other) {
  double largest = 0;
  double difference = 0;
  for (Index i = 0; i < one.rows(); ++i) {
    for (Index k = 0; k < one.cols(); ++k) {
      const auto a = static_cast<double>(one(i, k));
      largest = std::max(largest, std::abs(a));
      difference = std::max(difference, std::abs(a - static_cast<double>(other(i, k))));
    }
  }
  return difference > 1e-4 * largest;  // float32 sums in another order
}

TEST(LearnsFrom, IsWhatChangesTheGradientOfEveryLoss) {
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < 24; ++i) labels.push_back(i % 6);
  const TestBatch batch = random_batch(labels, 10, 16);
  std::vector<std::int64_t> renamed;  // the same rows belong together
  for (const std::int64_t label : batch.labels) renamed.push_back((label + 1) % 6);
  std::vector<std::int64_t> regrouped = batch.labels;  // others do
  std::rotate(regrouped.begin(), regrouped.begin() + 3, regrouped.begin() + 6);
  for (const LossEntry& entry : loss_registry()) {
    const std::string loss(entry.name);
    const ScalarMatrix before = second_gradient(loss, batch, batch.labels);
    const bool by_name = differ(before, second_gradient(loss, batch, renamed));
    const bool by_group = differ(before, second_gradient(loss, batch, regrouped));
    EXPECT_EQ(by_group, entry.learns_from != LearnsFrom::targets) << loss;
    EXPECT_EQ(by_name, entry.learns_from == LearnsFrom::classes) << loss;
  }
}

}  // namespace
}  // namespace kindred::loss_test
