// Every case of the reference file. Agreement: value |v − r| <= t max(1e-3, |r|), gradients
// max|g − r| <= t max|r| over the array, t = 1e-5 in float32 and 1e-9 in float64.
#include <gtest/gtest.h>

#include <algorithm>

#include "loss/loss_run.h"
#include "support/loss_cases.h"

namespace kindred::loss_test {
namespace {

constexpr double kTolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-9;

using test::largest_size;
using test::LossCase;

const Hdf5File& file() { return test::loss_case_file(); }

std::string recipe_of(const LossCase& one) {
  std::string settings;
  for (const std::string& line : one.settings) settings += line + "\n";
  return one_loss(one.loss, settings);
}

class Reference : public testing::TestWithParam<LossCase> {};

TEST_P(Reference, Agrees) {
  const std::string& path = GetParam().path;
  TestBatch batch;
  batch.depth = file().shape(path + "/embeddings")[1];
  batch.embeddings = file().read<double>(path + "/embeddings");
  batch.labels = file().read<std::int64_t>(path + "/labels");
  batch.classes = *std::max_element(batch.labels.begin(), batch.labels.end()) + 1;
  if (file().exists(path + "/targets")) batch.targets = file().read<double>(path + "/targets");

  LossRun run(recipe_of(GetParam()), batch);
  const bool has_parameters = file().exists(path + "/param");
  if (has_parameters) {
    const std::vector<double> parameters = file().read<double>(path + "/param");
    const Segment& weights = run.table().segments()[0];
    ASSERT_EQ(weights.size, static_cast<Index>(parameters.size()));
    std::copy(parameters.begin(), parameters.end(), run.parameters().begin() + weights.offset);
  }
  const bool has_centers = file().exists(path + "/centers");
  if (has_centers) {
    const std::vector<double> centers = file().read<double>(path + "/centers");
    std::copy(centers.begin(), centers.end(), run.state().arrays()[0]->as<Scalar>().begin());
  }
  const double value = run.compute();

  const auto expected = file().scalar<double>(path + "/loss");
  EXPECT_LE(std::abs(value - expected), kTolerance * std::max(1e-3, std::abs(expected)))
      << value << " instead of " << expected;
  const std::vector<double> gradient = file().read<double>(path + "/grad_embeddings");
  double worst = 0;
  for (Index i = 0; i < batch.size(); ++i) {
    for (Index k = 0; k < batch.depth; ++k) {
      const double error = static_cast<double>(run.gradient()(i, k)) -
                           gradient[static_cast<std::size_t>(i * batch.depth + k)];
      ASSERT_FALSE(std::isnan(error));
      worst = std::max(worst, std::abs(error));
    }
  }
  EXPECT_LE(worst, kTolerance * largest_size(gradient)) << "embeddings' gradient";
  RecordProperty("gradient_error", std::to_string(worst / largest_size(gradient)));
  if (has_parameters) {
    const std::vector<double> reference = file().read<double>(path + "/grad_param");
    double worst_parameter = 0;
    for (std::size_t p = 0; p < reference.size(); ++p) {
      const double found = static_cast<double>(
          run.parameter_gradient()[p + static_cast<std::size_t>(run.table().segments()[0].offset)]);
      ASSERT_FALSE(std::isnan(found));
      worst_parameter = std::max(worst_parameter, std::abs(found - reference[p]));
    }
    EXPECT_LE(worst_parameter, kTolerance * largest_size(reference)) << "weights' gradient";
  }
  if (has_centers) {
    const std::vector<double> after = file().read<double>(path + "/centers_after");
    const auto centers = run.state().arrays()[0]->as<Scalar>();
    for (std::size_t c = 0; c < after.size(); ++c) {
      EXPECT_NEAR(static_cast<double>(centers[c]), after[c], kTolerance * largest_size(after));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, Reference, testing::ValuesIn(test::loss_cases()),
                         [](const testing::TestParamInfo<LossCase>& one) {
                           std::string name = one.param.path.substr(7);
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(ReferenceFile, HoldsAllCases) { EXPECT_EQ(test::loss_cases().size(), 134U); }

}  // namespace
}  // namespace kindred::loss_test
