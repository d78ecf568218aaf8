#include <gtest/gtest.h>

#include <cmath>

#include "kindred/core/random.h"
#include "kindred/eval/retrieval.h"

namespace kindred {
namespace {

using Labels = std::vector<std::int64_t>;

/// Without the whole ranking large classes are counted with a guessed threshold; with it never.
void expect_same_without_map(const Matrix& rows, const Labels& labels) {
  RetrievalOptions options;
  options.leave_one_out = true;
  options.recall_at = {1, 10};
  options.precision_at = {5};
  const Workers workers(2);
  const RetrievalResult whole = evaluate_retrieval(workers, rows, labels, rows, labels, options);
  options.map = false;
  const RetrievalResult counted = evaluate_retrieval(workers, rows, labels, rows, labels, options);
  EXPECT_EQ(counted.metrics.size() + 1, whole.metrics.size());
  for (const MetricValue& metric : counted.metrics) {
    EXPECT_EQ(metric.value, whole[metric.name]) << metric.name;
  }
}

TEST(LargeClasses, AreCountedWithAThreshold) {
  // Few values: many ties. Many: hardly any.
  for (const Index values : {3, 1000}) {
    Matrix rows(2000, 6);
    Labels labels;
    for (Index i = 0; i < rows.rows(); ++i) {
      Random random(4, Purpose::test, static_cast<std::uint64_t>(i));
      labels.push_back(i % 5);
      for (Index k = 0; k < 6; ++k) {
        rows(i, k) = static_cast<float>(random.below(values)) / static_cast<float>(values) +
                     (k == i % 5 ? 0.5F : 0.0F);
      }
    }
    expect_same_without_map(rows, labels);
  }
}

TEST(LargeClasses, AreCountedAgainWhereTheThresholdWasTooHigh) {
  // Class 0 stands first, then every 32nd row, which the threshold is guessed from, is near to it
  // and all others are far: the guess promises more neighbours than there are.
  Matrix rows(3200, 2);
  Labels labels;
  for (Index i = 0; i < rows.rows(); ++i) {
    const bool relevant = i < 480;
    const double angle = relevant ? 0.001 * static_cast<double>(i)
                                  : (i % 32 == 0 ? 0.24 : 3) + 1e-5 * static_cast<double>(i);
    rows(i, 0) = static_cast<float>(std::cos(angle));
    rows(i, 1) = static_cast<float>(std::sin(angle));
    labels.push_back(relevant ? 0 : i);
  }
  expect_same_without_map(rows, labels);
}

TEST(LargeClasses, LeaveQueriesWithoutMatchAlone) {
  // Every other row is of a class of its own, beside others that are counted with a threshold and
  // counted again.
  Matrix rows(3200, 2);
  Labels labels;
  for (Index i = 0; i < rows.rows(); ++i) {
    const bool relevant = i % 2 == 0 && i < 1200;
    const double angle =
        relevant ? 0.001 * static_cast<double>(i) : 3 + 1e-5 * static_cast<double>(i);
    rows(i, 0) = static_cast<float>(std::cos(angle));
    rows(i, 1) = static_cast<float>(std::sin(angle));
    labels.push_back(relevant ? 0 : -i);
  }
  expect_same_without_map(rows, labels);
}

}  // namespace
}  // namespace kindred
