// Every layer, in the shapes of every architecture and in odd ones, against plain float64 loops;
// and those loops against central differences.
#include <gtest/gtest.h>

#include <set>

#include "kindred/core/random.h"
#include "nn/layer_harness.h"

namespace kindred::test {
namespace {

struct Case {
  std::string name;
  Index S;
  Shape src;  // channels, height, width
  std::vector<LayerSpec> layers;
  double tolerance;  // of every output, relative to its largest number
  FormatTag layout = FormatTag::nhwc;
};

// float32: a sum of K terms of similar size is off by about sqrt(K) 2^-24 of its spread, and
// outputs are compared as a share of the largest, some four spreads. Weights' gradients sum up to
// K = 4 * 28 * 28 = 3,136 terms, inputs' up to 9 * 256 = 2,304: sqrt(K) 2^-24 = 3.3e-6.
constexpr double kSum = 4e-6;
// Winograd's F(4x4, 3x3) multiplies by up to 8 and adds up to 6 terms in each direction on the way
// in and out; winograd_test.cc has its bound.
constexpr double kWinograd = 1e-5;
// Norms divide by a spread that is itself a sum, and subtract two means from each diff.
constexpr double kNorm = 4e-6;

LayerSpec convolution(Index channels, Index kernel, Index stride, Index padding, bool bias,
                      Index groups = 1) {
  const auto number = [](Index value) { return static_cast<double>(value); };
  return spec("convolution", "layer",
              {{"channels", number(channels)},
               {"kernel", number(kernel)},
               {"stride", number(stride)},
               {"padding", number(padding)},
               {"bias", bias ? 1.0 : 0.0},
               {"groups", number(groups)}});
}

LayerSpec pool(const char* kind, double kernel, double stride, double padding) {
  return spec(kind, "pool", {{"kernel", kernel}, {"stride", stride}, {"padding", padding}});
}

LayerSpec residual(std::vector<LayerSpec> body, std::vector<LayerSpec> shortcut, bool relu = true) {
  LayerSpec block = spec("residual", "block", {{"relu", relu ? 1.0 : 0.0}});
  block.body = std::move(body);
  block.shortcut = std::move(shortcut);
  return block;
}

LayerSpec named(LayerSpec layer, std::string name) {
  layer.name = std::move(name);
  return layer;
}

const FormatTag kBlocked = FormatTag::nChw16c;
const LayerSpec kNorm1 = spec("batch_norm", "norm1");
const LayerSpec kNorm2 = spec("batch_norm", "norm2");
const LayerSpec kRelu1 = spec("relu", "relu1");
const LayerSpec kPool1 = spec("max_pool", "pool1");

std::vector<Case> cases() {
  return {
      // conv4
      {"conv4_block1", 4, {1, 28, 28}, {convolution(64, 3, 1, 1, false)}, kSum},
      {"conv4_block2", 4, {64, 14, 14}, {convolution(64, 3, 1, 1, false)}, kWinograd, kBlocked},
      {"conv4_block3", 4, {64, 7, 7}, {convolution(64, 3, 1, 1, false)}, kWinograd, kBlocked},
      {"conv4_block4", 16, {64, 3, 3}, {convolution(64, 3, 1, 1, false)}, kSum, kBlocked},
      {"conv4_norm1", 4, {64, 28, 28}, {kNorm1, kRelu1, kPool1}, kNorm, kBlocked},
      {"conv4_norm3", 16, {64, 7, 7}, {kNorm1, kRelu1, kPool1}, kNorm, kBlocked},
      {"conv4_norm4", 16, {64, 3, 3}, {kNorm1, kRelu1}, kNorm, kBlocked},
      {"conv4_embedding_3x3",
       16,
       {64, 3, 3},
       {spec("flatten", "flatten"), spec("linear", "layer", {{"features", 128}})},
       kSum,
       kBlocked},
      {"conv4_embedding_1x1", 16, {64, 1, 1}, {spec("linear", "layer")}, kSum, kBlocked},
      // resnet
      {"resnet_stem", 4, {3, 32, 32}, {convolution(32, 3, 1, 1, false)}, kSum},
      {"resnet_down1", 4, {32, 32, 32}, {convolution(64, 3, 2, 1, false)}, kSum, kBlocked},
      {"resnet_down3", 4, {128, 8, 8}, {convolution(256, 3, 2, 1, false)}, kSum, kBlocked},
      {"resnet_stage4", 4, {256, 4, 4}, {convolution(256, 3, 1, 1, false)}, kSum, kBlocked},
      {"resnet_shortcut", 4, {64, 16, 16}, {convolution(128, 1, 2, 0, false)}, kSum, kBlocked},
      {"resnet_pool", 4, {256, 4, 4}, {spec("global_average_pool", "pool")}, kSum, kBlocked},
      {"resnet_block",
       2,
       {32, 8, 8},
       {residual({named(convolution(32, 3, 1, 1, false), "convolution1"), kNorm1, kRelu1,
                  named(convolution(32, 3, 1, 1, false), "convolution2"), kNorm2},
                 {})},
       kWinograd,
       kBlocked},
      {"resnet_block_down",
       2,
       {32, 8, 8},
       {residual({named(convolution(48, 3, 2, 1, false), "convolution1"), kNorm1, kRelu1,
                  named(convolution(48, 3, 1, 1, false), "convolution2"), kNorm2},
                 {convolution(48, 1, 2, 0, false), spec("batch_norm", "norm3")})},
       kWinograd,
       kBlocked},
      // mlp
      {"mlp_pixels",
       16,
       {3, 9, 7},
       {spec("flatten", "flatten"), spec("linear", "layer", {{"features", 40}})},
       kSum},
      {"mlp_hidden", 16, {784, 1, 1}, {spec("linear", "layer", {{"features", 512}})}, kSum},
      {"mlp_norm", 16, {512, 1, 1}, {kNorm1, kRelu1}, kNorm},
      // odd ones
      {"odd_channels", 3, {5, 9, 11}, {convolution(7, 3, 1, 1, true)}, kSum},
      {"odd_channels_padded", 3, {24, 9, 11}, {convolution(40, 3, 2, 1, true)}, kSum, kBlocked},
      {"grouped", 3, {32, 9, 9}, {convolution(64, 3, 1, 1, true, 2)}, kSum},
      {"depthwise", 3, {32, 9, 9}, {convolution(32, 3, 1, 1, true, 32)}, kSum},
      {"kernel_5_no_padding", 3, {4, 11, 12}, {convolution(16, 5, 1, 0, true)}, kSum},
      {"kernel_1", 3, {20, 5, 5}, {convolution(12, 1, 1, 0, true)}, kSum},
      {"norm_odd_channels", 3, {21, 5, 7}, {kNorm1}, kNorm},
      {"norm_padded_channels", 3, {24, 5, 7}, {kNorm1, kRelu1}, kNorm, kBlocked},
      {"norm_plain", 3, {6, 5, 7}, {kNorm1, kRelu1}, kNorm, FormatTag::nchw},
      {"norm_pool_to_one_pixel", 3, {40, 2, 2}, {kNorm1, kRelu1, kPool1}, kNorm, FormatTag::nchw},
      {"max_pool_to_one_pixel", 3, {40, 2, 2}, {kPool1}, 0.0, FormatTag::nchw},
      {"norm_blocks_of_8", 3, {24, 6, 7}, {kNorm1, kRelu1, kPool1}, kNorm, FormatTag::nChw8c},
      {"norm_pool_odd", 3, {21, 5, 7}, {kNorm1, kRelu1, kPool1}, kNorm},
      {"norm_pool_no_relu", 3, {16, 6, 6}, {kNorm1, kPool1}, kNorm},
      {"relu", 3, {5, 4, 3}, {kRelu1}, 0.0},
      {"max_pool", 3, {21, 9, 7}, {pool("max_pool", 2, 2, 0)}, 0.0},
      {"max_pool_overlapping", 3, {16, 9, 7}, {pool("max_pool", 3, 2, 1)}, kSum, kBlocked},
      {"max_pool_with_gaps", 3, {3, 9, 7}, {pool("max_pool", 2, 3, 0)}, 0.0},
      {"average_pool", 3, {21, 9, 7}, {pool("average_pool", 3, 2, 1)}, kSum},
      {"global_average_odd", 3, {21, 9, 7}, {spec("global_average_pool", "pool")}, kSum},
      {"flatten_blocked", 3, {32, 3, 2}, {spec("flatten", "flatten")}, 0.0, kBlocked},
      {"linear_padded_channels",
       3,
       {24, 3, 2},
       {spec("flatten", "flatten"), spec("linear", "layer", {{"features", 10}})},
       kSum,
       kBlocked},
      {"linear_one_padded_pixel", 3, {24, 1, 1}, {spec("linear", "layer")}, kSum, kBlocked},
      {"relu_before_sum",
       2,
       {16, 5, 5},
       {residual({convolution(16, 3, 1, 1, true), kRelu1}, {spec("relu", "relu2")})},
       kSum},
      {"sum_without_relu",
       2,
       {6, 5, 5},
       {residual({convolution(6, 3, 1, 1, true)}, {}, false)},
       kSum},
      {"relu_in_the_middle",
       2,
       {8, 6, 6},
       {convolution(16, 3, 1, 1, true), kRelu1, pool("average_pool", 2, 2, 0), kNorm1,
        spec("relu", "relu2"), named(convolution(8, 3, 1, 1, true), "layer2")},
       kNorm},
      {"two_relus",
       2,
       {8, 6, 6},
       {convolution(16, 3, 1, 1, true), kRelu1, spec("relu", "relu2")},
       kSum},
  };
}

void collect_kinds(const std::vector<LayerSpec>& layers, std::set<std::string>& kinds) {
  for (const LayerSpec& layer : layers) {
    kinds.insert(layer.kind);
    collect_kinds(layer.body, kinds);
    collect_kinds(layer.shortcut, kinds);
  }
}

class LayerCase : public testing::TestWithParam<Case> {
 protected:
  /// An input on which float32 and float64 decide alike at every ReLU and every maximum.
  naive::Tensor clear_input(naive::Network& oracle, naive::Numbers& numbers) {
    for (std::uint64_t seed = 1;; ++seed) {
      const auto src = random_tensor(GetParam().S, GetParam().src, seed);
      naive::Margin margin;
      oracle.forward(src, numbers, margin);
      if (margin.smallest > 1e-6 || seed == 200) {
        EXPECT_GT(margin.smallest, 1e-6) << "no clear input found";
        return src;
      }
    }
  }
};

TEST_P(LayerCase, AgreesWithNaiveFloat64) {
  const Case& of = GetParam();
  LayerHarness harness(of.layers, of.S, of.src, NetworkMode::training, "auto", of.layout);
  harness.fill_parameters(7);
  naive::Numbers numbers(harness.table, harness.parameters);
  naive::Network oracle(of.layers);
  const auto src = clear_input(oracle, numbers);
  naive::Margin margin;
  const auto expected = oracle.forward(src, numbers, margin);
  const auto dst = harness.forward(src);
  ASSERT_EQ(dst.shape, expected.shape);
  EXPECT_LE(error_of(dst.values, expected.values), of.tolerance) << "dst";

  const auto diff_dst = random_tensor(of.S, dst.shape, 3);
  const auto expected_diff = oracle.backward(diff_dst, numbers);
  const auto diffs = harness.backward(diff_dst);
  EXPECT_LE(error_of(diffs.src.values, expected_diff.values), of.tolerance) << "diff_src";
  for (const Segment& segment : harness.table.segments()) {
    const auto first = static_cast<std::ptrdiff_t>(segment.offset);
    const auto last = first + static_cast<std::ptrdiff_t>(segment.size);
    EXPECT_LE(
        error_of(
            std::vector<float>(diffs.gradient.begin() + first, diffs.gradient.begin() + last),
            std::vector<double>(numbers.gradient.begin() + first, numbers.gradient.begin() + last)),
        of.tolerance)
        << segment.name;
  }
}

TEST_P(LayerCase, AccumulatesTheGradientOnTopOfWhatTheRowHolds) {
  const Case& of = GetParam();
  LayerHarness harness(of.layers, of.S, of.src, NetworkMode::training, "auto", of.layout);
  harness.fill_parameters(7);
  const auto dst = harness.forward(random_tensor(of.S, of.src, 1));
  const auto diff_dst = random_tensor(of.S, dst.shape, 3);
  const auto once = harness.backward(diff_dst);
  const auto twice = harness.backward(diff_dst, Accumulate::yes);
  for (std::size_t i = 0; i < once.gradient.size(); ++i) {
    ASSERT_EQ(twice.gradient[i], 2 * once.gradient[i]) << i;  // doubling is exact
  }
  EXPECT_EQ(twice.src.values, once.src.values);
}

// d/dt f(p + t v, x + t u) at 0, for f = <dst, diff_dst>, by central differences of the naive
// float64 forward, against <gradient, v> + <diff_src, u>: both are sums over everything.
// Step 1e-7: truncation is 1e-14 of the third derivative, rounding 1e-16 / 1e-7 = 1e-9 of the sum.
TEST_P(LayerCase, NaiveGradientIsTheSlopeOfNaiveForward) {
  const Case& of = GetParam();
  const Index S = 2;
  LayerHarness harness(of.layers, S, of.src);
  harness.fill_parameters(7);
  naive::Numbers numbers(harness.table, harness.parameters);
  naive::Network oracle(of.layers);
  const auto direction_src = random_tensor(S, of.src, 5);
  Random random(6, Purpose::test);
  std::vector<double> direction(numbers.parameters.size());
  for (double& value : direction) value = random.uniform(-1.0F, 1.0F);

  constexpr double kStep = 1e-7;
  for (std::uint64_t seed = 1;; ++seed) {
    ASSERT_LT(seed, 200U) << "no clear input found";
    const auto src = random_tensor(S, of.src, seed);
    naive::Margin margin;
    const auto dst = oracle.forward(src, numbers, margin);
    if (margin.smallest < 10 * kStep) continue;
    const auto diff_dst = random_tensor(S, dst.shape, 4);
    const auto diff_src = oracle.backward(diff_dst, numbers);
    double slope = 0;
    double size = 0;  // of the terms that make the slope up
    const auto add_term = [&](double a, double b) {
      slope += a * b;
      size += std::abs(a * b);
    };
    for (std::size_t i = 0; i < direction.size(); ++i) add_term(numbers.gradient[i], direction[i]);
    for (std::size_t i = 0; i < diff_src.values.size(); ++i) {
      add_term(diff_src.values[i], direction_src.values[i]);
    }
    const auto value_at = [&](double t) {
      naive::Numbers moved = numbers;
      for (std::size_t i = 0; i < direction.size(); ++i) moved.parameters[i] += t * direction[i];
      auto moved_src = src;
      for (std::size_t i = 0; i < moved_src.values.size(); ++i) {
        moved_src.values[i] += t * direction_src.values[i];
      }
      const auto moved_dst = oracle.forward(moved_src, moved, margin);
      double value = 0;
      for (std::size_t i = 0; i < moved_dst.values.size(); ++i) {
        value += moved_dst.values[i] * diff_dst.values[i];
      }
      return value;
    };
    EXPECT_NEAR((value_at(kStep) - value_at(-kStep)) / (2 * kStep), slope, 1e-7 * size);
    return;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LayerCase, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(LayerRegistry, EveryKindIsTestedHere) {
  std::set<std::string> tested{"dropout"};  // random: dropout_test.cc
  for (const Case& of : cases()) collect_kinds(of.layers, tested);
  for (const LayerKind* kind : layer_kinds()) {
    EXPECT_TRUE(tested.contains(kind->name)) << kind->name;
  }
}

}  // namespace
}  // namespace kindred::test
