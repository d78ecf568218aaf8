// Each kind of layer on numbers small enough to work out by hand.
#include <gtest/gtest.h>

#include <cmath>

#include "nn/layer_harness.h"

namespace kindred::test {
namespace {

using Values = std::vector<double>;

naive::Tensor image(Index S, const Shape& shape, Values values) {
  naive::Tensor tensor(S, shape);
  EXPECT_EQ(tensor.values.size(), values.size());
  tensor.values = std::move(values);
  return tensor;
}

void set(LayerHarness& harness, const std::string& segment, const std::vector<float>& values) {
  const Segment* found = harness.table.find(segment);
  ASSERT_NE(found, nullptr) << segment;
  ASSERT_EQ(static_cast<std::size_t>(found->size), values.size());
  std::copy(values.begin(), values.end(), harness.parameters.begin() + found->offset);
}

Values gradient_of(const LayerHarness& harness, const LayerHarness::Diffs& diffs,
                   const std::string& segment) {
  const Segment* found = harness.table.find(segment);
  const auto first = diffs.gradient.begin() + found->offset;
  return {first, first + found->size};
}

void expect_near(const Values& actual, const Values& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], tolerance) << "number " << i;
  }
}

TEST(Convolution, SlidesItsKernelOverTheImage) {
  const auto layer =
      spec("convolution", "layer", {{"channels", 1}, {"kernel", 2}, {"padding", 0}, {"bias", 1}});
  LayerHarness harness({layer}, 1, {1, 3, 3});
  set(harness, "layer.weights",
      {1, 2,  //
       3, 4});
  set(harness, "layer.bias", {10});
  const auto dst = harness.forward(image(1, {1, 3, 3},
                                         {1, 0, 0,  //
                                          0, 1, 0,  //
                                          0, 0, 1}));
  EXPECT_EQ(dst.values, (Values{15, 13,  //
                                12, 15}));
  const auto diffs = harness.backward(image(1, {1, 2, 2},
                                            {1, 0,  //
                                             0, 2}));
  EXPECT_EQ(gradient_of(harness, diffs, "layer.weights"), (Values{1 + 2, 0,  //
                                                                  0, 1 + 2}));
  EXPECT_EQ(gradient_of(harness, diffs, "layer.bias"), (Values{3}));
  EXPECT_EQ(diffs.src.values, (Values{1, 2, 0,          //
                                      3, 4 + 2, 2 * 2,  //
                                      0, 2 * 3, 2 * 4}));
}

TEST(Convolution, SumsOverInputChannelsAndPadsWithZeros) {
  const auto layer = spec("convolution", "layer", {{"channels", 1}, {"kernel", 3}, {"bias", 0}});
  LayerHarness harness({layer}, 1, {2, 1, 1});
  std::vector<float> weights(18, 100.0F);
  weights[4] = 2;       // the centre of channel 0
  weights[9 + 4] = -1;  // the centre of channel 1
  set(harness, "layer.weights", weights);
  EXPECT_EQ(harness.forward(image(1, {2, 1, 1}, {5, 7})).values, (Values{3}));
}

TEST(Linear, WeighsEveryInput) {
  LayerHarness harness({spec("linear", "layer", {{"features", 2}})}, 2, {3, 1, 1});
  set(harness, "layer.weights",
      {1, 2, 3,  //
       4, 5, 6});
  set(harness, "layer.bias", {10, 20});
  const auto dst = harness.forward(image(2, {3, 1, 1},
                                         {1, 0, 0,  //
                                          1, 1, 1}));
  EXPECT_EQ(dst.values, (Values{11, 24,  //
                                16, 35}));
  const auto diffs = harness.backward(image(2, {2, 1, 1},
                                            {1, 0,  //
                                             0, 2}));
  EXPECT_EQ(gradient_of(harness, diffs, "layer.weights"), (Values{1, 0, 0,  //
                                                                  2, 2, 2}));
  EXPECT_EQ(gradient_of(harness, diffs, "layer.bias"), (Values{1, 2}));
  EXPECT_EQ(diffs.src.values, (Values{1, 2, 3,  //
                                      8, 10, 12}));
}

TEST(Linear, ReadsAnImageChannelByChannel) {
  LayerHarness harness(
      {spec("flatten", "flatten"), spec("linear", "layer", {{"features", 1}, {"bias", 0}})}, 1,
      {2, 1, 2});
  set(harness, "layer.weights", {1, 10, 100, 1000});
  EXPECT_EQ(harness.forward(image(1, {2, 1, 2}, {1, 2, 3, 4})).values, (Values{4321}));
}

TEST(BatchNorm, NormalisesByTheSlicesOwnStatistics) {
  LayerHarness harness({spec("batch_norm", "layer", {{"epsilon", 1e-10}})}, 2, {1, 1, 2});
  set(harness, "layer.scale", {3});
  set(harness, "layer.shift", {1});
  // Mean 5, variance ((-4)^2 + 2^2 + 0 + 2^2) / 4 = 6.
  const auto dst = harness.forward(image(2, {1, 1, 2}, {1, 7, 5, 7}));
  const double s = 3 / std::sqrt(6.0);
  expect_near(dst.values, {1 - 4 * s, 1 + 2 * s, 1, 1 + 2 * s}, 1e-6);  // 2^-24 of 6, a few times
  // With dy = (1, 0, 0, 0): dx = s (dy - 1/4 - x^ (sum of dy x^) / 4), x^ = (-4, 2, 0, 2) / sqrt 6.
  const auto diffs = harness.backward(image(2, {1, 1, 2}, {1, 0, 0, 0}));
  expect_near(gradient_of(harness, diffs, "layer.scale"), {-4 / std::sqrt(6.0)}, 1e-6);
  expect_near(gradient_of(harness, diffs, "layer.shift"), {1}, 1e-6);
  expect_near(
      diffs.src.values,
      {s * (1 - 0.25 - 16.0 / 24), s * (-0.25 + 8.0 / 24), s * -0.25, s * (-0.25 + 8.0 / 24)},
      1e-6);
}

TEST(BatchNorm, KeepsItsDigitsWhereTheMeanIsFarFromZero) {
  LayerHarness harness({spec("batch_norm", "layer", {{"epsilon", 1e-10}})}, 4, {1, 1, 1});
  set(harness, "layer.scale", {1});
  const auto dst = harness.forward(image(4, {1, 1, 1}, {4096, 4097, 4098, 4099}));
  const double deviation = std::sqrt(1.25);
  expect_near(dst.values, {-1.5 / deviation, -0.5 / deviation, 0.5 / deviation, 1.5 / deviation},
              1e-6);
}

TEST(BatchNorm, GivesFiniteNumbersOnAConstantChannel) {
  LayerHarness harness({spec("batch_norm", "layer")}, 2, {1, 1, 2});
  set(harness, "layer.scale", {1});
  set(harness, "layer.shift", {0.5});
  EXPECT_EQ(harness.forward(image(2, {1, 1, 2}, {7, 7, 7, 7})).values, Values(4, 0.5));
  const auto diffs = harness.backward(image(2, {1, 1, 2}, {1, 1, 1, 1}));
  expect_near(diffs.src.values, Values(4, 0), 1e-6);
}

TEST(BatchNorm, MovesItsRunningStatisticsTowardsTheSlicesMean) {
  LayerHarness harness({spec("batch_norm", "layer", {{"momentum", 0.5}})}, 2, {1, 1, 1});
  const std::span<const float> taken = harness.statistics.span();
  harness.forward(image(2, {1, 1, 1}, {1, 3}));  // mean 2, variance 1, unbiased 2
  const std::vector<float> first(taken.begin(), taken.end());
  harness.forward(image(2, {1, 1, 1}, {2, 8}));  // mean 5, variance 9, unbiased 18
  const std::vector<float> second(taken.begin(), taken.end());
  const std::span<const float> seen[] = {first, second};
  for (Layer* leaf : harness.leaves) leaf->update_running_statistics(seen);
  // From mean 0 and variance 1, half of the way to (2 + 5) / 2 and (2 + 18) / 2.
  EXPECT_EQ(harness.state->find("layer.running_mean")->as<float>()[0], 1.75F);
  EXPECT_EQ(harness.state->find("layer.running_variance")->as<float>()[0], 5.5F);
}

TEST(Relu, LetsPositiveNumbersThrough) {
  LayerHarness harness({spec("relu", "layer")}, 1, {4, 1, 1});
  EXPECT_EQ(harness.forward(image(1, {4, 1, 1}, {-1, 0, 2, 3})).values, (Values{0, 0, 2, 3}));
  EXPECT_EQ(harness.backward(image(1, {4, 1, 1}, {5, 6, 7, 8})).src.values, (Values{0, 0, 7, 8}));
}

TEST(Relu, KeepsNaN) {
  LayerHarness harness({spec("relu", "layer")}, 1, {1, 1, 1});
  EXPECT_TRUE(std::isnan(harness.forward(image(1, {1, 1, 1}, {std::nan("")})).values[0]));
}

TEST(Relu6, LetsNumbersBetweenZeroAndSixThrough) {
  LayerHarness harness({spec("relu6", "layer")}, 1, {5, 1, 1});
  EXPECT_EQ(harness.forward(image(1, {5, 1, 1}, {-1, 0, 2, 6, 7})).values, (Values{0, 0, 2, 6, 6}));
  EXPECT_EQ(harness.backward(image(1, {5, 1, 1}, {5, 6, 7, 8, 9})).src.values,
            (Values{0, 0, 7, 0, 0}));
}

TEST(Prelu, MultipliesNegativeNumbersByItsChannelsSlope) {
  LayerHarness harness({spec("prelu", "layer")}, 2, {2, 1, 2});
  set(harness, "layer.slope", {0.5, -3});
  const auto dst = harness.forward(image(2, {2, 1, 2},
                                         {1, -2,   //
                                          -1, 4,   //
                                          -4, -6,  //
                                          2, 3}));
  EXPECT_EQ(dst.values, (Values{1, -1,   //
                                3, 4,    //
                                -2, -3,  //
                                2, 3}));
  const auto diffs = harness.backward(image(2, {2, 1, 2},
                                            {10, 1,  //
                                             2, 20,  //
                                             3, 4,   //
                                             30, 40}));
  EXPECT_EQ(diffs.src.values, (Values{10, 0.5,  //
                                      -6, 20,   //
                                      1.5, 2,   //
                                      30, 40}));
  // dy min(x, 0): -2 - 12 - 24, and 2 * -1.
  EXPECT_EQ(gradient_of(harness, diffs, "layer.slope"), (Values{-38, -2}));
}

TEST(Prelu, BeginsWithTheSlopeOfItsSetting) {
  LayerHarness harness({spec("prelu", "layer", {{"slope", 0.125}})}, 1, {2, 1, 1});
  const Segment* slope = harness.table.find("layer.slope");
  ASSERT_NE(slope, nullptr);
  EXPECT_EQ(slope->shape, (std::vector<Index>{2}));
  EXPECT_FALSE(slope->decay);
  const auto& filling = harness.fillings.front();
  EXPECT_EQ(filling.initial.fan_in, 0);
  EXPECT_EQ(filling.initial.value, 0.125F);
}

TEST(HardSwish, IsItsThreePieces) {
  LayerHarness harness({spec("hard_swish", "layer")}, 1, {5, 1, 1});
  // x (x + 3) / 6 between -3 and 3; its slope is (2 x + 3) / 6.
  expect_near(harness.forward(image(1, {5, 1, 1}, {-4, -1.5, 0, 1, 5})).values,
              {0, -0.375, 0, 4.0 / 6, 5}, 1e-7);
  expect_near(harness.backward(image(1, {5, 1, 1}, {6, 6, 6, 6, 6})).src.values, {0, 0, 3, 5, 6},
              1e-6);
}

TEST(Swish, MultipliesByTheSigmoid) {
  LayerHarness harness({spec("swish", "layer")}, 1, {3, 1, 1});
  // e^-x = 3 at x = -log 3: the sigmoid is 1 / 4; its slope 1 / 4 (1 + x 3 / 4).
  const double x = -std::log(3.0);
  expect_near(harness.forward(image(1, {3, 1, 1}, {x, 0, -200})).values, {x / 4, 0, 0}, 1e-7);
  expect_near(harness.backward(image(1, {3, 1, 1}, {1, 1, 1})).src.values,
              {0.25 * (1 + 0.75 * x), 0.5, 0}, 1e-7);
}

TEST(Activations, StopAtTheirBendsBehindANormToo) {
  // Mean 0 and variance 1, times 4 and 8: -4, 4 and -8, 8.
  LayerHarness harness({spec("batch_norm", "layer", {{"epsilon", 1e-10}}), spec("relu6", "f")}, 2,
                       {2, 1, 1});
  set(harness, "layer.scale", {4, 8});
  const auto dst = harness.forward(image(2, {2, 1, 1},
                                         {-1, -1,  //
                                          1, 1}));
  expect_near(dst.values, {0, 0, 4, 6}, 1e-6);
  const auto diffs = harness.backward(image(2, {2, 1, 1},
                                            {1, 1,  //
                                             1, 1}));
  expect_near(gradient_of(harness, diffs, "layer.shift"), {1, 0}, 1e-6);
}

TEST(InstanceNorm, NormalisesEachSampleByItself) {
  LayerHarness harness({spec("instance_norm", "layer", {{"epsilon", 1e-10}})}, 2, {1, 1, 2});
  set(harness, "layer.scale", {3});
  set(harness, "layer.shift", {1});
  EXPECT_EQ(harness.state->arrays().size(), 0U);
  const auto dst = harness.forward(image(2, {1, 1, 2},
                                         {1, 5,  //
                                          40, 20}));
  expect_near(dst.values, {-2, 4, 4, -2}, 1e-6);
  const auto diffs = harness.backward(image(2, {1, 1, 2},
                                            {1, 0,  //
                                             5, 7}));
  expect_near(gradient_of(harness, diffs, "layer.scale"), {-1 + 5 - 7}, 1e-6);
  expect_near(gradient_of(harness, diffs, "layer.shift"), {13}, 1e-6);
  expect_near(diffs.src.values, Values(4, 0), 1e-6);  // two numbers are always -1 and 1
}

TEST(LayerNorm, NormalisesTheFeaturesOfASample) {
  LayerHarness harness({spec("layer_norm", "layer", {{"epsilon", 1e-10}})}, 2, {2, 1, 1});
  set(harness, "layer.scale", {3, 5});
  set(harness, "layer.shift", {1, 0});
  const auto dst = harness.forward(image(2, {2, 1, 1},
                                         {1, 5,  //
                                          40, 20}));
  expect_near(dst.values, {-2, 5, 4, -5}, 1e-6);
  const auto diffs = harness.backward(image(2, {2, 1, 1},
                                            {1, 2,  //
                                             10, 20}));
  expect_near(gradient_of(harness, diffs, "layer.scale"), {-1 + 10, 2 - 20}, 1e-5);
  expect_near(gradient_of(harness, diffs, "layer.shift"), {11, 22}, 1e-6);
}

TEST(L2Normalize, GivesUnitVectorsAndLeavesZerosZero) {
  LayerHarness harness({spec("l2_normalize", "layer")}, 2, {2, 1, 1});
  expect_near(harness.forward(image(2, {2, 1, 1}, {3, 4, 0, 0})).values, {0.6, 0.8, 0, 0}, 1e-7);
  // (dy - y (y dy)) / 5 with y dy = 0.6; of zeros nothing.
  expect_near(harness.backward(image(2, {2, 1, 1}, {1, 0, 1, 1})).src.values,
              {(1 - 0.36) / 5, -0.48 / 5, 0, 0}, 1e-7);
}

TEST(GemPool, IsTheRootOfTheMeanOfPowers) {
  LayerHarness harness({spec("gem_pool", "layer")}, 1, {2, 1, 2});
  set(harness, "layer.power", {2});
  // sqrt((1 + 49) / 2) = 5; below zero numbers count as 1e-6.
  const auto dst = harness.forward(image(1, {2, 1, 2},
                                         {1, 7,  //
                                          -5, -3}));
  expect_near(dst.values, {5, 1e-6}, 1e-6);
  const auto diffs = harness.backward(image(1, {2, 1, 1}, {10, 0}));
  expect_near(diffs.src.values, {1, 7, 0, 0}, 1e-5);  // dy x / (2 y)
  // dy y (mean of x^2 log x / 25 - log 25 / 2) / 2
  expect_near(gradient_of(harness, diffs, "layer.power"),
              {25 * (24.5 * std::log(7.0) / 25 - std::log(25.0) / 2)}, 1e-5);
}

TEST(GemPool, NeitherOverflowsNorVanishes) {
  LayerHarness harness({spec("gem_pool", "layer")}, 1, {2, 1, 2});
  set(harness, "layer.power", {60});
  const auto dst = harness.forward(image(1, {2, 1, 2},
                                         {1e9, 1e9,  //
                                          1e-6, 1e-6}));
  EXPECT_NEAR(dst.values[0], 1e9, 1e3);
  EXPECT_NEAR(dst.values[1], 1e-6, 1e-12);
}

TEST(SqueezeExcite, GatesChannelsByTheirMeans) {
  LayerHarness harness({spec("squeeze_excite", "layer", {{"channels", 1}, {"hard", 1}})}, 1,
                       {2, 1, 2});
  set(harness, "layer.squeeze.weights", {1, 2});
  set(harness, "layer.squeeze.bias", {-3});
  set(harness, "layer.excite.weights", {1, -1});
  set(harness, "layer.excite.bias", {0, 3});
  // Means 2 and 1: squeezed to 2 + 2 - 3 = 1, excited to 1 and 2: gates 4 / 6 and 5 / 6.
  const auto dst = harness.forward(image(1, {2, 1, 2},
                                         {1, 3,  //
                                          0, 2}));
  expect_near(dst.values, {4.0 / 6, 2, 0, 10.0 / 6}, 1e-6);
  const auto diffs = harness.backward(image(1, {2, 1, 2},
                                            {6, 0,  //
                                             0, 0}));
  // d gate0 = 6 * 1, so d e0 = 1, through both layers: 1 to mean 0, 2 to mean 1.
  expect_near(gradient_of(harness, diffs, "layer.excite.weights"), {1, 0}, 1e-6);
  expect_near(gradient_of(harness, diffs, "layer.squeeze.weights"), {2, 1}, 1e-6);
  expect_near(diffs.src.values, {4 + 0.5, 0.5, 1, 1}, 1e-6);
}

TEST(Concatenate, PutsTheChannelsOfItsBranchesBehindEachOther) {
  LayerSpec layer = spec("concatenate", "layer");
  layer.branches = {{spec("relu", "relu")}, {}, {spec("max_pool", "pool", {{"kernel", 1}})}};
  layer.branches[2][0].settings.emplace_back("stride", 1);
  LayerHarness harness({layer}, 2, {1, 1, 2});
  const auto dst = harness.forward(image(2, {1, 1, 2},
                                         {-1, 2,  //
                                          3, -4}));
  EXPECT_EQ(dst.shape, (Shape{3, 1, 2}));
  EXPECT_EQ(dst.values, (Values{0, 2, -1, 2, -1, 2,  //
                                3, 0, 3, -4, 3, -4}));
  const auto diffs = harness.backward(image(2, {3, 1, 2},
                                            {1, 2, 10, 20, 100, 200,  //
                                             3, 4, 30, 40, 300, 400}));
  EXPECT_EQ(diffs.src.values, (Values{110, 222,  //
                                      333, 440}));
}

TEST(MaxPool, TakesTheFirstOfTheLargest) {
  LayerHarness harness({spec("max_pool", "layer")}, 1, {1, 2, 5});
  const auto dst = harness.forward(image(1, {1, 2, 5},
                                         {1, 4, 7, 7, 9,  //
                                          4, 2, 7, 7, 9}));
  EXPECT_EQ(dst.values, (Values{4, 7}));
  EXPECT_EQ(harness.backward(image(1, {1, 1, 2}, {1, 2})).src.values, (Values{0, 1, 2, 0, 0,  //
                                                                              0, 0, 0, 0, 0}));
}

TEST(AveragePool, LeavesPaddingOutOfTheMean) {
  LayerHarness harness({spec("average_pool", "layer", {{"kernel", 2}, {"padding", 1}})}, 1,
                       {1, 2, 2});
  EXPECT_EQ(harness.forward(image(1, {1, 2, 2}, {1, 2, 3, 4})).values, (Values{1, 2, 3, 4}));
  EXPECT_EQ(harness.backward(image(1, {1, 2, 2}, {1, 2, 3, 4})).src.values, (Values{1, 2, 3, 4}));
}

TEST(GlobalAveragePool, IsTheMeanOfEachChannel) {
  LayerHarness harness({spec("global_average_pool", "layer")}, 1, {2, 1, 2});
  EXPECT_EQ(harness.forward(image(1, {2, 1, 2}, {1, 3, 10, 30})).values, (Values{2, 20}));
  EXPECT_EQ(harness.backward(image(1, {2, 1, 1}, {4, 6})).src.values, (Values{2, 2, 3, 3}));
}

TEST(Flatten, OrdersByChannelRowAndColumn) {
  LayerHarness harness({spec("flatten", "layer")}, 1, {2, 2, 1});
  EXPECT_EQ(harness.forward(image(1, {2, 2, 1}, {1, 2, 3, 4})).values, (Values{1, 2, 3, 4}));
}

TEST(Residual, AddsItsInputToItsBody) {
  LayerSpec block = spec("residual", "block");
  block.body = {spec("linear", "layer", {{"features", 2}, {"bias", 0}})};
  LayerHarness harness({block}, 1, {2, 1, 1});
  set(harness, "layer.weights",
      {0, -2,  //
       1, 0});
  EXPECT_EQ(harness.forward(image(1, {2, 1, 1}, {3, 5})).values, (Values{0, 8}));  // 3 - 10 < 0
  const auto diffs = harness.backward(image(1, {2, 1, 1}, {100, 1}));
  EXPECT_EQ(diffs.src.values, (Values{1, 1}));
  EXPECT_EQ(gradient_of(harness, diffs, "layer.weights"), (Values{0, 0, 3, 5}));
}

}  // namespace
}  // namespace kindred::test
