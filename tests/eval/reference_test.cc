#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "kindred/data/hdf5_file.h"
#include "kindred/eval/clustering.h"
#include "kindred/eval/retrieval.h"
#include "kindred/eval/verification.h"

namespace kindred {
namespace {

constexpr double kTolerance = 1e-4;  // what METRICS.md promises; no case has ties

struct Rows {
  Matrix embeddings;
  std::vector<std::int64_t> labels;
};

Matrix read_matrix(const Hdf5File& file, const std::string& name) {
  const std::vector<Index> shape = file.shape(name);
  Matrix m(shape[0], shape[1]);
  const std::vector<float> values = file.read<float>(name);
  for (Index i = 0; i < m.rows(); ++i) {
    std::copy_n(values.begin() + i * m.cols(), m.cols(), m.row(i));
  }
  return m;
}

Rows read_rows(const Hdf5File& file, const std::string& prefix) {
  return {read_matrix(file, prefix + "embeddings"), file.read<std::int64_t>(prefix + "labels")};
}

TEST(Reference, RetrievalAgreesWithMetricsFile) {
  const std::string path = KINDRED_TEST_DATA "/metrics.h5";
  const Hdf5File all = Hdf5File::open(path + ":/retrieval");
  const Workers workers(2);
  int checked = 0;
  for (const std::string& name : all.children()) {
    SCOPED_TRACE(name);
    const Hdf5File file = Hdf5File::open(path + ":/retrieval/" + name);
    const auto expected = nlohmann::json::parse(file.attribute_text("", "metrics"));
    RetrievalOptions options;
    options.recall_at = {1, 2, 4, 8, 10, 100};
    options.precision_at = {10};
    options.leave_one_out = file.exists("embeddings");
    const Rows queries = read_rows(file, options.leave_one_out ? "" : "query_");
    const Rows gallery = read_rows(file, options.leave_one_out ? "" : "gallery_");
    const RetrievalResult result = evaluate_retrieval(workers, queries.embeddings, queries.labels,
                                                      gallery.embeddings, gallery.labels, options);
    EXPECT_EQ(result.queries_used, expected.at("queries_used").get<Index>());
    EXPECT_EQ(result.queries_without_match, expected.at("queries_without_match").get<Index>());
    for (const MetricValue& metric : result.metrics) {
      EXPECT_NEAR(metric.value, expected.at(metric.name).get<double>(), kTolerance) << metric.name;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 6 * 11);
}

void expect_all(const std::vector<MetricValue>& metrics, const nlohmann::json& expected) {
  int found = 0;
  for (const MetricValue& metric : metrics) {
    if (!expected.contains(metric.name)) continue;
    ++found;
    EXPECT_NEAR(metric.value, expected.at(metric.name).get<double>(), kTolerance) << metric.name;
  }
  EXPECT_EQ(found, static_cast<int>(expected.size()));
}

TEST(Reference, VerificationAgreesWithMetricsFile) {
  const Hdf5File file = Hdf5File::open(KINDRED_TEST_DATA "/metrics.h5:/verification/ten_fold");
  const std::vector<double> scores =
      score_pairs(Workers(2), read_matrix(file, "embeddings_a"), read_matrix(file, "embeddings_b"));
  const VerificationResult result = evaluate_verification(scores, file.read<std::uint8_t>("same"),
                                                          file.read<std::int64_t>("fold"));
  expect_all(result.metrics, nlohmann::json::parse(file.attribute_text("", "metrics")));
  EXPECT_EQ(result.folds.size(), 10U);
  EXPECT_EQ(result.far_unsupported, (std::vector<double>{1e-4, 1e-5, 1e-6}));  // 3,000 negatives
}

TEST(Reference, ClusteringAgreesWithMetricsFile) {
  const Hdf5File file = Hdf5File::open(KINDRED_TEST_DATA "/metrics.h5:/clustering/assignments");
  expect_all(
      compare_clusters(file.read<std::int64_t>("labels"), file.read<std::int64_t>("clusters")),
      nlohmann::json::parse(file.attribute_text("", "metrics")));
}

}  // namespace
}  // namespace kindred
