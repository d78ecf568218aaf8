// Every case of tests/data/losses.h5 (made in float64 with pytorch-metric-learning and PyTorch
// autograd) whose loss is registered. Agreement: value |v − r| <= t max(1e-3, |r|),
// gradients max|g − r| <= t max|r| over the array, t = 1e-5 in float32 and 1e-9 in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "kindred/data/hdf5_file.h"
#include "loss/loss_run.h"

namespace kindred::loss_test {
namespace {

constexpr double kTolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-9;

struct Case {
  std::string path;  // "/losses/uneven/arcface"
  std::string loss;
  std::string recipe;
};

bool registered(const std::string& name) {
  return std::any_of(loss_registry().begin(), loss_registry().end(),
                     [&](const LossEntry& entry) { return entry.name == name; });
}

// The file's settings in the names of the registry. Some of its keys only describe.
std::string settings_text(const std::string& loss, const std::string& json) {
  std::string text;
  const nlohmann::json settings = nlohmann::json::parse(json);
  for (const auto& [key, value] : settings.items()) {
    if (key == "from_logits" || key == "param_rows") continue;
    if (key == "reduction" && loss != "triplet") continue;
    if (key == "miner" && value == "none") continue;
    if (key == "miner") {
      text += "mining = " + value.dump() + "\n";
    } else if (loss == "proxy_nca" && (key == "distance" || key == "normalize")) {
      continue;
    } else {
      text += key + " = " + value.dump() + "\n";
    }
  }
  return text;
}

const Hdf5File& file() {
  static const Hdf5File opened = Hdf5File::open(KINDRED_TEST_DATA "/losses.h5");
  return opened;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const std::string& batch : file().children("losses")) {
    for (const std::string& name : file().children("losses/" + batch)) {
      std::string path = "losses/";
      path += batch + "/" + name;
      std::string loss = file().attribute_text(path, "loss");
      const std::string settings = settings_text(loss, file().attribute_text(path, "settings"));
      if (loss == "cross_entropy") loss = "softmax";
      if (registered(loss)) cases.push_back({path, loss, one_loss(loss, settings)});
    }
  }
  return cases;
}

double largest(const std::vector<double>& numbers) {
  double most = 0;
  for (const double x : numbers) most = std::max(most, std::abs(x));
  return most;
}

class Reference : public testing::TestWithParam<Case> {};

TEST_P(Reference, Agrees) {
  const std::string& path = GetParam().path;
  TestBatch batch;
  batch.depth = file().shape(path + "/embeddings")[1];
  batch.embeddings = file().read<double>(path + "/embeddings");
  batch.labels = file().read<std::int64_t>(path + "/labels");
  batch.classes = *std::max_element(batch.labels.begin(), batch.labels.end()) + 1;
  if (file().exists(path + "/targets")) batch.targets = file().read<double>(path + "/targets");

  LossRun run(GetParam().recipe, batch);
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
  EXPECT_LE(worst, kTolerance * largest(gradient)) << "embeddings' gradient";
  RecordProperty("gradient_error", std::to_string(worst / largest(gradient)));
  if (has_parameters) {
    const std::vector<double> reference = file().read<double>(path + "/grad_param");
    double worst_parameter = 0;
    for (std::size_t p = 0; p < reference.size(); ++p) {
      const double found = static_cast<double>(
          run.parameter_gradient()[p + static_cast<std::size_t>(run.table().segments()[0].offset)]);
      ASSERT_FALSE(std::isnan(found));
      worst_parameter = std::max(worst_parameter, std::abs(found - reference[p]));
    }
    EXPECT_LE(worst_parameter, kTolerance * largest(reference)) << "weights' gradient";
  }
  if (has_centers) {
    const std::vector<double> after = file().read<double>(path + "/centers_after");
    const auto centers = run.state().arrays()[0]->as<Scalar>();
    for (std::size_t c = 0; c < after.size(); ++c) {
      EXPECT_NEAR(static_cast<double>(centers[c]), after[c], kTolerance * largest(after));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Losses, Reference, testing::ValuesIn(all_cases()),
                         [](const testing::TestParamInfo<Case>& one) {
                           std::string name = one.param.path.substr(7);
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

TEST(ReferenceFile, NamesOnlyRegisteredLosses) {
  EXPECT_EQ(all_cases().size(), 134U);
  for (const std::string& batch : file().children("losses")) {
    for (const std::string& name : file().children("losses/" + batch)) {
      const std::string loss = file().attribute_text("losses/" + batch + "/" + name, "loss");
      EXPECT_TRUE(loss == "cross_entropy" || registered(loss)) << loss;
    }
  }
}

}  // namespace
}  // namespace kindred::loss_test
