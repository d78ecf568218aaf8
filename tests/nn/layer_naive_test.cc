// Every layer, in the shapes of every architecture and in odd ones, against plain float64 loops;
// and those loops against central differences.
#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "kindred/core/random.h"
#include "nn/fuse.h"
#include "nn/layer_harness.h"
#include "support/bfloat16.h"

namespace kindred::test {
namespace {

struct Case {
  std::string name;
  Index S;
  Shape src;  // channels, height, width
  std::vector<LayerSpec> layers;
  double tolerance;  // of every output, relative to its largest number
  FormatTag layout = FormatTag::nhwc;
  bool first = false;  // of a network: nobody wants diff_src
};
void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

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
const FormatTag kLast = FormatTag::nhwc;
const LayerSpec kNorm1 = spec("batch_norm", "norm1");
const LayerSpec kNorm2 = spec("batch_norm", "norm2");
const LayerSpec kRelu1 = spec("relu", "relu1");
const LayerSpec kPool1 = spec("max_pool", "pool1");

std::vector<Case> cases() {
  return {
      // conv4
      {"conv4_block1", 4, {1, 28, 28}, {convolution(64, 3, 1, 1, false)}, kSum, kLast, true},
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
      {"resnet_stem", 4, {3, 32, 32}, {convolution(32, 3, 1, 1, false)}, kSum, kLast, true},
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
      // first layers of other shapes
      {"first_in_colour", 4, {3, 64, 64}, {convolution(16, 3, 2, 1, true)}, kSum, kLast, true},
      {"first_of_two", 3, {2, 9, 11}, {convolution(48, 3, 1, 1, true)}, kSum, kLast, true},
      {"first_of_kernel_5", 3, {1, 12, 13}, {convolution(80, 5, 1, 0, false)}, kSum, kLast, true},
      {"first_of_few", 3, {1, 3, 2}, {convolution(16, 3, 1, 2, true)}, kSum, kLast, true},
      {"first_of_many_taps", 3, {5, 9, 9}, {convolution(16, 5, 1, 2, true)}, kSum, kLast, true},
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

/// A case in one precision. In bfloat16 src, weights and diff_dst are numbers of 8 binary digits,
/// so that only what a layer itself does is measured.
class LayerCase : public testing::TestWithParam<std::tuple<Case, Precision>> {
 protected:
  const Case& of() const { return std::get<0>(GetParam()); }
  Precision precision() const { return std::get<1>(GetParam()); }
  bool in_float32() const { return precision() == Precision::float32; }

  LayerHarness harness() const {
    return LayerHarness(of().layers, of().S, of().src, NetworkMode::training, "auto", of().layout,
                        precision(), !of().first);
  }
  void fill_parameters(LayerHarness& harness) const {
    harness.fill_parameters(7);
    for (const Segment& segment : harness.table.segments()) {
      if (in_float32() || !segment.name.ends_with(".weights")) continue;
      for (Index i = segment.offset; i < segment.offset + segment.size; ++i) {
        float& value = harness.parameters[static_cast<std::size_t>(i)];
        value = rounded_to_bfloat16(value);
      }
    }
  }
  naive::Tensor random_tensor(Index S, const Shape& shape, std::uint64_t seed) const {
    naive::Tensor tensor = test::random_tensor(S, shape, seed);
    for (double& value : tensor.values) {
      if (!in_float32())
        value = static_cast<double>(rounded_to_bfloat16(static_cast<float>(value)));
    }
    return tensor;
  }

  /// True when tensors pass from layer to layer in between.
  bool is_chain() const {
    return of().layers.front().kind == "residual" ||
           fuse(of().layers, NetworkMode::training).size() > 1;
  }

  /// An input on which float32 and float64 decide alike at every ReLU and every maximum. What is
  /// rounded to 8 digits on the way to them decides otherwise now and then.
  naive::Tensor clear_input(naive::Network& oracle, naive::Numbers& numbers) {
    for (std::uint64_t seed = 1;; ++seed) {
      const auto src = random_tensor(of().S, of().src, seed);
      naive::Margin margin;
      oracle.forward(src, numbers, margin);
      if (margin.smallest > 1e-6 || seed == 200 || (!in_float32() && is_chain())) {
        EXPECT_TRUE(margin.smallest > 1e-6 || seed < 200) << "no clear input found";
        return src;
      }
    }
  }

  /// dst and diff_src: rounded once.
  void expect_tensor(const std::vector<double>& actual, const std::vector<double>& expected,
                     const char* what) const {
    if (!in_float32() && is_chain()) return expect_chain(actual, expected, what);
    const double rounding = in_float32() ? 0 : kBfloat16Rounding;
    EXPECT_LE(error_of(actual, expected), of().tolerance + rounding) << what;
  }
  /// Gradients of weights are float32 and sums of exact numbers.
  void expect_gradient(const std::vector<double>& actual, const std::vector<double>& expected,
                       const std::string& what) const {
    if (!in_float32() && is_chain()) return expect_chain(actual, expected, what.c_str());
    EXPECT_LE(error_of(actual, expected), of().tolerance) << what;
  }

 private:
  // The cases' chains round up to r = 12 tensors on the way there and back, each by a share of
  // 2^-8 / sqrt(12) in the root mean square: sqrt(r) times that is 0.4 %. A rounded number falls on
  // the other side of a ReLU or of a maximum in a share of about 2^-8 of the places, for up to 4
  // layers that decide, and turns a diff there on or off: sqrt(2 * 4 * 2^-8) = 18 %.
  static void expect_chain(const std::vector<double>& actual, const std::vector<double>& expected,
                           const char* what) {
    EXPECT_LE(typical_error(actual, expected), 0.18) << what;
  }
};

std::vector<double> part_of(const std::vector<double>& flat, const Segment& segment) {
  const auto first = flat.begin() + static_cast<std::ptrdiff_t>(segment.offset);
  return {first, first + static_cast<std::ptrdiff_t>(segment.size)};
}

TEST_P(LayerCase, AgreesWithNaiveFloat64) {
  SKIP_WITHOUT(precision());
  LayerHarness layers = harness();
  fill_parameters(layers);
  naive::Numbers numbers(layers.table, layers.parameters);
  naive::Network oracle(of().layers);
  const auto src = clear_input(oracle, numbers);
  naive::Margin margin;
  const auto expected = oracle.forward(src, numbers, margin);
  const auto dst = layers.forward(src);
  ASSERT_EQ(dst.shape, expected.shape);
  expect_tensor(dst.values, expected.values, "dst");

  const auto diff_dst = random_tensor(of().S, dst.shape, 3);
  const auto expected_diff = oracle.backward(diff_dst, numbers);
  const auto diffs = layers.backward(diff_dst);
  if (!of().first) expect_tensor(diffs.src.values, expected_diff.values, "diff_src");
  const std::vector<double> gradient(diffs.gradient.begin(), diffs.gradient.end());
  for (const Segment& segment : layers.table.segments()) {
    expect_gradient(part_of(gradient, segment), part_of(numbers.gradient, segment), segment.name);
  }
}

TEST_P(LayerCase, AccumulatesTheGradientOnTopOfWhatTheRowHolds) {
  SKIP_WITHOUT(precision());
  LayerHarness layers = harness();
  fill_parameters(layers);
  const auto dst = layers.forward(random_tensor(of().S, of().src, 1));
  const auto diff_dst = random_tensor(of().S, dst.shape, 3);
  const auto once = layers.backward(diff_dst);
  const auto twice = layers.backward(diff_dst, Accumulate::yes);
  for (std::size_t i = 0; i < once.gradient.size(); ++i) {
    ASSERT_EQ(twice.gradient[i], 2 * once.gradient[i]) << i;  // doubling is exact
  }
  EXPECT_EQ(twice.src.values, once.src.values);
}

// Without winners to remember it takes another way through the same numbers.
TEST(MaxPool, GivesInInferenceWhatItGivesInTraining) {
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (precision == Precision::bfloat16 && !has_bfloat16()) continue;
    for (const Shape& shape : {Shape{45, 9, 7}, Shape{16, 2, 2}, Shape{3, 4, 5}}) {
      for (const FormatTag layout : {FormatTag::nhwc, FormatTag::nchw}) {
        LayerHarness training({kPool1}, 3, shape, NetworkMode::training, "auto", layout, precision);
        LayerHarness inference({kPool1}, 3, shape, NetworkMode::inference, "auto", layout,
                               precision);
        const auto src = random_tensor(3, shape, 1);
        EXPECT_EQ(inference.forward(src).values, training.forward(src).values);
      }
    }
  }
}

class NaiveCase : public testing::TestWithParam<Case> {};

// d/dt f(p + t v, x + t u) at 0, for f = <dst, diff_dst>, by central differences of the naive
// float64 forward, against <gradient, v> + <diff_src, u>: both are sums over everything.
// Step 1e-7: truncation is 1e-14 of the third derivative, rounding 1e-16 / 1e-7 = 1e-9 of the sum.
TEST_P(NaiveCase, GradientIsTheSlopeOfNaiveForward) {
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

INSTANTIATE_TEST_SUITE_P(All, LayerCase,
                         testing::Combine(testing::ValuesIn(cases()),
                                          testing::Values(Precision::float32, Precision::bfloat16)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" +
                                  test_name(std::get<1>(test.param));
                         });
INSTANTIATE_TEST_SUITE_P(All, NaiveCase, testing::ValuesIn(cases()),
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
