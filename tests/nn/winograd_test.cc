// What Winograd costs in digits, and where it is chosen.
#include <gtest/gtest.h>

#include <cmath>

#include "kindred/core/cpu.h"
#include "kindred/nn/precision.h"
#include "nn/layer_harness.h"

namespace kindred::test {
namespace {

/// What Winograd reads: blocks of a register's channels, or channels-last.
FormatTag layout(Precision precision = Precision::float32) {
  if (precision == Precision::bfloat16) return FormatTag::nhwc;
  return vector_floats(isa()) == 16 ? FormatTag::nChw16c : FormatTag::nChw8c;
}

/// From v3 on.
bool has_winograd() {
  const LayerHarness harness({spec("convolution", "layer", {{"bias", 0}})}, 2, {64, 14, 14},
                             NetworkMode::training, "winograd", layout());
  return harness.layers().children()[0]->implementation().find("Winograd") != std::string::npos;
}

struct Errors {
  double dst, diff_src, diff_weights;
};

/// What bfloat16 can hold of each number.
naive::Tensor rounded(naive::Tensor tensor) {
  for (double& value : tensor.values) value = std::ldexp(std::round(std::ldexp(value, 6)), -6);
  return tensor;
}

Errors errors_of(const std::string& algorithm, const Shape& shape, Index channels, Index padding,
                 Precision precision = Precision::float32) {
  const std::vector<LayerSpec> layers{spec(
      "convolution", "layer",
      {{"channels", static_cast<double>(channels)}, {"padding", static_cast<double>(padding)}})};
  LayerHarness harness(layers, 4, shape, NetworkMode::training, algorithm, layout(precision),
                       precision);
  harness.fill_parameters(1);
  naive::Numbers numbers(harness.table, harness.parameters);
  naive::Network oracle(layers);
  naive::Margin margin;
  const auto src = rounded(random_tensor(4, shape, 2));
  const Shape dst_shape{channels, shape.height + 2 * padding - 2, shape.width + 2 * padding - 2};
  const auto diff_dst = rounded(random_tensor(4, dst_shape, 3));
  const auto dst = harness.forward(src);
  const auto expected = oracle.forward(src, numbers, margin);
  const auto diffs = harness.backward(diff_dst);
  const auto expected_diff = oracle.backward(diff_dst, numbers);
  return {typical_error(dst.values, expected.values),
          typical_error(diffs.src.values, expected_diff.values),
          typical_error({diffs.gradient.begin(), diffs.gradient.end()}, numbers.gradient)};
}

// A float32 sum of K products has a relative error of about sqrt(K) 2^-24 / 2 where it is added up
// in one chain, less in several: K = 9 * 64 = 576 gives 7e-7, the 4 * 28 * 28 = 3,136 terms of a
// weight's gradient 1.7e-6. F(4x4, 3x3) carries sums through two transforms whose largest
// coefficients multiply to about ten: allowed is ten times as much, which is still four digits
// below the noise of a slice's gradient. Seen with AVX-512: direct (oneDNN 2.6.3) 2.2e-7 and, for
// weights, 1e-6; Winograd 7.7e-7 and 1.3e-6.
TEST(Winograd, ErrsLittleMoreThanDirectConvolution) {
  for (const Index size : {7, 14, 28}) {
    const Errors direct = errors_of("direct", {64, size, size}, 64, 1);
    EXPECT_LE(direct.dst, 7e-7) << size;
    EXPECT_LE(direct.diff_src, 7e-7) << size;
    EXPECT_LE(direct.diff_weights, 1.7e-6) << size;
    if (!has_winograd()) continue;
    const Errors winograd = errors_of("winograd", {64, size, size}, 64, 1);
    EXPECT_LE(winograd.dst, 7e-6) << size;
    EXPECT_LE(winograd.diff_src, 7e-6) << size;
    EXPECT_LE(winograd.diff_weights, 1.7e-5) << size;
  }
}

TEST(Winograd, RunsFromV3On) { EXPECT_EQ(has_winograd(), isa() >= Isa::v3); }

TEST(Winograd, TilesReachOverEdges) {
  if (!has_winograd()) GTEST_SKIP() << "Winograd convolutions need v3";
  for (const Index padding : {0, 1, 2}) {
    for (const Shape& shape : {Shape{32, 9, 11}, Shape{48, 7, 8}, Shape{16, 3, 13}}) {
      const Errors errors = errors_of("winograd", shape, 80, padding);
      EXPECT_LE(errors.dst, 7e-6) << shape.height << " x " << shape.width << ", " << padding;
      EXPECT_LE(errors.diff_src, 7e-6) << shape.height << " x " << shape.width << ", " << padding;
      EXPECT_LE(errors.diff_weights, 7e-6) << shape.height << " x " << shape.width;
    }
  }
}

// dst and diff_src are rounded to 8 bits, by up to 2^-9 to 2^-8 of each number, typically
// by 1.7e-3; what comes before is float, weights and their gradient are. Seen of gradients: 6e-6
// with tiles of 7x7, 5e-7 with 4x4.
TEST(Winograd, RoundsBfloat16OnceOnTheWayOut) {
  if (!has_winograd() || !has_bfloat16()) GTEST_SKIP() << "needs AVX-512 and bfloat16";
  for (const Index padding : {0, 1, 2}) {
    for (const Shape& shape : {Shape{64, 14, 14}, Shape{32, 7, 20}, Shape{48, 13, 11}}) {
      const Errors errors = errors_of("winograd", shape, 80, padding, Precision::bfloat16);
      EXPECT_LE(errors.dst, 1.8e-3) << shape.height << " x " << shape.width << ", " << padding;
      EXPECT_GE(errors.dst, 1.5e-3) << shape.height << " x " << shape.width << ", " << padding;
      EXPECT_LE(errors.diff_src, 1.8e-3) << shape.height << " x " << shape.width;
      EXPECT_LE(errors.diff_weights, 1e-5) << shape.height << " x " << shape.width;
    }
  }
}

TEST(Winograd, TakesTilesThatMultiplyLeast) {
  if (!has_winograd() || !has_bfloat16()) GTEST_SKIP() << "needs AVX-512 and bfloat16";
  const auto implementation = [](Index size, Precision precision) {
    const LayerHarness harness({spec("convolution", "layer", {{"bias", 0}})}, 2, {64, size, size},
                               NetworkMode::training, "winograd", layout(precision), precision);
    return harness.layers().children()[0]->implementation();
  };
  EXPECT_EQ(implementation(14, Precision::bfloat16), "own Winograd F(7x7, 3x3)");
  EXPECT_EQ(implementation(13, Precision::bfloat16), "own Winograd F(7x7, 3x3)");
  EXPECT_EQ(implementation(7, Precision::bfloat16), "own Winograd F(7x7, 3x3)");
  EXPECT_EQ(implementation(8, Precision::bfloat16), "own Winograd F(4x4, 3x3)");
  EXPECT_EQ(implementation(14, Precision::float32), "own Winograd F(4x4, 3x3)");
}

TEST(Winograd, LeavesBfloat16ToAmx) {
  if (!has_winograd() || !has_bfloat16()) GTEST_SKIP() << "needs AVX-512 and bfloat16";
  const LayerHarness harness({spec("convolution", "layer", {{"bias", 0}})}, 2, {64, 14, 14},
                             NetworkMode::training, "auto", FormatTag::nhwc, Precision::bfloat16);
  const std::string implementation = harness.layers().children()[0]->implementation();
  EXPECT_EQ(implementation.find("Winograd") == std::string::npos, has_amx()) << implementation;
}

TEST(Winograd, IsChosenByShapeAlone) {
  if (!has_winograd()) GTEST_SKIP() << "Winograd convolutions need v3";
  using Settings = std::vector<std::pair<std::string, double>>;
  const auto uses_winograd = [](Index channels, Index size, Settings settings) {
    settings.emplace_back("channels", static_cast<double>(channels));
    const LayerHarness harness({spec("convolution", "layer", std::move(settings))}, 2,
                               {64, size, size}, NetworkMode::training, "auto", layout());
    const std::string implementation = harness.layers().children()[0]->implementation();
    return implementation.find("Winograd") != std::string::npos;
  };
  EXPECT_TRUE(uses_winograd(64, 28, {}));
  EXPECT_TRUE(uses_winograd(64, 14, {}));
  EXPECT_TRUE(uses_winograd(64, 7, {}));
  EXPECT_TRUE(uses_winograd(32, 14, {}));
  EXPECT_FALSE(uses_winograd(64, 5, {}));
  EXPECT_EQ(uses_winograd(64, 3, {}), isa() == Isa::v3);
  EXPECT_EQ(uses_winograd(16, 14, {}), isa() == Isa::v3);
  EXPECT_FALSE(uses_winograd(8, 14, {}));
  EXPECT_FALSE(uses_winograd(64, 14, {{"stride", 2}}));
  EXPECT_FALSE(uses_winograd(64, 14, {{"groups", 2}}));
  EXPECT_FALSE(uses_winograd(64, 14, {{"kernel", 5}, {"padding", 2}}));
}

TEST(Winograd, FallsBackToDirectWhereItCannotBe) {
  // A stride of 2 has no Winograd; asking for it is no error.
  LayerHarness harness({spec("convolution", "layer", {{"stride", 2}})}, 2, {64, 14, 14},
                       NetworkMode::training, "winograd");
  EXPECT_EQ(harness.layers().children()[0]->implementation().find("Winograd"), std::string::npos);
}

TEST(Winograd, IsNotUsedWhereDirectIsAskedFor) {
  LayerHarness harness({spec("convolution", "layer")}, 2, {64, 28, 28}, NetworkMode::training,
                       "direct");
  EXPECT_EQ(harness.layers().children()[0]->implementation().find("Winograd"), std::string::npos);
}

}  // namespace
}  // namespace kindred::test
