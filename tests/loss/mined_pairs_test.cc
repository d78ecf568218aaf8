// Where few pairs of a large batch count, their gradients are added one by one: against the
// formula.
#include <gtest/gtest.h>

#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

constexpr Index kRows = 256;  // four pairs a row are few
constexpr Index kDepth = 16;

/// Pairs of kin, far from all others: of a contrastive loss only the kin's distances are left.
TestBatch pairs_of_kin() {
  std::vector<std::int64_t> labels;
  for (Index i = 0; i < kRows; ++i) labels.push_back(i % (kRows / 2));
  TestBatch batch = random_batch(labels, kDepth, 3);
  batch.targets.clear();
  for (double& x : batch.embeddings) x *= 10;
  return batch;
}

/// d ‖x − y‖^power / dx, times `factor`, against the gradient of every row.
void expect_pull(LossRun& run, const TestBatch& batch, int power, double factor) {
  const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;
  for (Index i = 0; i < kRows; ++i) {
    const Index kin = (i + kRows / 2) % kRows;
    double squared = 0;
    std::vector<double> difference;
    for (Index k = 0; k < kDepth; ++k) {
      const auto at = [&](Index row) {
        return batch.embeddings[static_cast<std::size_t>(row * kDepth + k)];
      };
      difference.push_back(at(i) - at(kin));
      squared += difference.back() * difference.back();
    }
    const double slope = power == 2 ? 2 : 1 / std::sqrt(squared);
    for (Index k = 0; k < kDepth; ++k) {
      const double expected = factor * slope * difference[static_cast<std::size_t>(k)];
      EXPECT_NEAR(static_cast<double>(run.gradient()(i, k)), expected,
                  tolerance * (1 + std::abs(expected)))
          << i;
    }
  }
}

TEST(MinedPairs, PullTheirRowsAsTheFormulaSays) {
  const TestBatch batch = pairs_of_kin();
  for (const int power : {1, 2}) {
    const std::string distance = power == 2 ? "squared_euclidean" : "euclidean";
    const std::string settings = "normalize = false\ndistance = '" + distance + "'";
    LossRun run(one_loss("contrastive", settings), batch);
    run.compute();
    // Each pair stands twice in the mean over kRows terms.
    expect_pull(run, batch, power, 2.0 / kRows);
    LossRun remembered(one_loss("contrastive", settings + "\nmemory = 256"), batch);
    remembered.compute();
    // Entries of a row's own sample are left out and those of its kin are constants.
    expect_pull(remembered, batch, power, 1.0 / kRows);
  }
}

}  // namespace
}  // namespace kindred::loss_test
