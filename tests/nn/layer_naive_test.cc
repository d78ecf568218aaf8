// Every layer, in the shapes of every architecture and in odd ones, against plain float64 loops;
// and those loops against central differences.
#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "kindred/core/random.h"
#include "nn/contract/fuse.h"
#include "nn/layer_cases.h"
#include "support/bfloat16.h"

namespace kindred::test {
namespace {

void collect_kinds(const std::vector<LayerSpec>& layers, std::set<std::string>& kinds) {
  for (const LayerSpec& layer : layers) {
    kinds.insert(layer.kind);
    collect_kinds(layer.body, kinds);
    collect_kinds(layer.shortcut, kinds);
    for (const auto& branch : layer.branches) collect_kinds(branch, kinds);
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
    const std::string& kind = of().layers.front().kind;
    return kind == "residual" || kind == "concatenate" || kind == "squeeze_excite" ||
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
  /// Gradients of weights are float32 and sums of exact numbers. What a norm's terms leave of each
  /// other may be little: it has the rounding errors of the terms (`squares`), not of what is left.
  void expect_gradient(const std::vector<double>& actual, const std::vector<double>& expected,
                       const std::vector<double>& squares, const std::string& what) const {
    if (!in_float32() && is_chain()) return expect_chain(actual, expected, what.c_str());
    double largest = 0;
    for (const double value : expected) largest = std::max(largest, std::abs(value));
    const double usual = std::sqrt(*std::max_element(squares.begin(), squares.end()));
    const double left = usual > largest && largest > 0 ? largest / usual : 1;
    EXPECT_LE(error_of(actual, expected) * left, of().tolerance) << what;
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
    expect_gradient(part_of(gradient, segment), part_of(numbers.gradient, segment),
                    part_of(numbers.squares, segment), segment.name);
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
  const LayerSpec pool = spec("max_pool", "pool");
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (precision == Precision::bfloat16 && !has_bfloat16()) continue;
    for (const Shape& shape : {Shape{45, 9, 7}, Shape{16, 2, 2}, Shape{3, 4, 5}}) {
      for (const FormatTag layout : {FormatTag::nhwc, FormatTag::nchw}) {
        LayerHarness training({pool}, 3, shape, NetworkMode::training, "auto", layout, precision);
        LayerHarness inference({pool}, 3, shape, NetworkMode::inference, "auto", layout, precision);
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
                         testing::Combine(testing::ValuesIn(layer_cases()),
                                          testing::Values(Precision::float32, Precision::bfloat16)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" +
                                  test_name(std::get<1>(test.param));
                         });
INSTANTIATE_TEST_SUITE_P(All, NaiveCase, testing::ValuesIn(layer_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(LayerRegistry, EveryKindIsTestedHere) {
  std::set<std::string> tested{"dropout"};  // random: dropout_test.cc
  for (const Case& of : layer_cases()) collect_kinds(of.layers, tested);
  for (const LayerKind* kind : layer_kinds()) {
    EXPECT_TRUE(tested.contains(kind->name)) << kind->name;
  }
}

}  // namespace
}  // namespace kindred::test
