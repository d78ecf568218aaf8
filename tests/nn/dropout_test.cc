#include <gtest/gtest.h>

#include <cmath>

#include "nn/layer_harness.h"

namespace kindred::test {
namespace {

const std::vector<LayerSpec> kLayers{spec("dropout", "dropout", {{"rate", 0.25}})};
constexpr Shape kShape{500, 1, 1};

naive::Tensor ones(Index S) {
  naive::Tensor tensor(S, kShape);
  std::ranges::fill(tensor.values, 1.0);
  return tensor;
}

TEST(Dropout, DropsTheShareAskedForAndKeepsTheMean) {
  LayerHarness harness(kLayers, 40, kShape);
  const auto dst = harness.forward(ones(40));
  double kept = 0;
  for (const double value : dst.values) {
    ASSERT_TRUE(value == 0 || value == static_cast<double>(1.0F / 0.75F)) << value;
    kept += value > 0;
  }
  // 20,000 numbers: the share's standard deviation is sqrt(0.25 * 0.75 / 20,000) = 0.0031.
  EXPECT_NEAR(kept / 20000, 0.75, 4 * 0.0031);
}

TEST(Dropout, BackwardDropsWhatForwardDropped) {
  LayerHarness harness(kLayers, 4, kShape);
  const auto dst = harness.forward(ones(4));
  EXPECT_EQ(harness.backward(ones(4)).src.values, dst.values);
}

TEST(Dropout, DependsOnTheRowInTheBatchAndNotOnTheSlice) {
  LayerHarness whole(kLayers, 4, kShape);
  LayerHarness half(kLayers, 2, kShape);
  whole.pass.first_sample = 8;
  half.pass.first_sample = 10;  // rows 2 and 3 of the other's
  const auto all = whole.forward(ones(4)).values;
  const auto last = half.forward(ones(2)).values;
  EXPECT_EQ(std::vector<double>(all.begin() + 1000, all.end()), last);
}

TEST(Dropout, ChangesWithSeedStepRowAndLayer) {
  LayerHarness harness(kLayers, 1, kShape);
  const auto first = harness.forward(ones(1)).values;
  EXPECT_EQ(harness.forward(ones(1)).values, first);
  harness.pass.seed = 1;
  EXPECT_NE(harness.forward(ones(1)).values, first);
  harness.pass.seed = 0;
  harness.pass.step = 1;
  EXPECT_NE(harness.forward(ones(1)).values, first);
  harness.pass.step = 0;
  harness.pass.first_sample = 1;
  EXPECT_NE(harness.forward(ones(1)).values, first);
  harness.pass.first_sample = 0;
  // Two in a row keep 0.75 * 0.75 when they are independent; the same mask twice would keep 0.75.
  LayerHarness two({kLayers[0], spec("dropout", "second", {{"rate", 0.25}})}, 40, kShape);
  double kept = 0;
  for (const double value : two.forward(ones(40)).values) kept += value > 0;
  EXPECT_NEAR(kept / 20000, 0.5625, 4 * 0.0035);
}

TEST(Dropout, IsLeftOutOfInference) {
  LayerHarness training({kLayers[0], spec("linear", "layer", {{"features", 3}})}, 2, kShape);
  training.fill_parameters(1);
  LayerHarness without({spec("linear", "layer", {{"features", 3}})}, 2, kShape, training);
  LayerHarness with({kLayers[0], spec("linear", "layer", {{"features", 3}})}, 2, kShape, training);
  const auto src = random_tensor(2, kShape, 1);
  EXPECT_EQ(with.forward(src).values, without.forward(src).values);
}

// A ReLU's backward reads what it wrote: a dropout behind it must not write over that.
TEST(Dropout, LeavesTheReluBeforeItIntact) {
  LayerHarness harness(
      {spec("linear", "layer", {{"features", 500}}), spec("relu", "relu"), kLayers[0]}, 4, kShape);
  harness.fill_parameters(1);
  const auto dst = harness.forward(random_tensor(4, kShape, 1));
  const auto diffs = harness.backward(ones(4));
  LayerHarness plain({spec("linear", "layer", {{"features", 500}})}, 4, kShape);
  plain.parameters = harness.parameters;
  plain.forward(random_tensor(4, kShape, 1));
  naive::Tensor passed = dst;  // what dropout and ReLU together let through, times 1 / 0.75
  for (double& value : passed.values) value = value > 0 ? static_cast<double>(1.0F / 0.75F) : 0;
  EXPECT_EQ(plain.backward(passed).src.values, diffs.src.values);
}

}  // namespace
}  // namespace kindred::test
