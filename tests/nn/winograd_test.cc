// What Winograd costs in digits, and where it is chosen.
#include <gtest/gtest.h>

#include <cmath>

#include "nn/layer_harness.h"
#include "nn/network_harness.h"

namespace kindred::test {
namespace {

bool has_winograd() {
  const LayerHarness harness({spec("convolution", "layer", {{"bias", 0}})}, 2, {64, 14, 14},
                             NetworkMode::training, "winograd", FormatTag::nChw16c);
  return harness.layers().children()[0]->implementation().find("wino") != std::string::npos;
}

struct Errors {
  double dst, diff_src, diff_weights;
};

Errors errors_of(const std::string& algorithm, Index size) {
  const std::vector<LayerSpec> layers{
      spec("convolution", "layer", {{"channels", 64}, {"bias", 0}})};
  const Shape shape{64, size, size};
  LayerHarness harness(layers, 4, shape, NetworkMode::training, algorithm, FormatTag::nChw16c);
  harness.fill_parameters(1);
  naive::Numbers numbers(harness.table, harness.parameters);
  naive::Network oracle(layers);
  naive::Margin margin;
  const auto src = random_tensor(4, shape, 2);
  const auto diff_dst = random_tensor(4, shape, 3);
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
// below the noise of a slice's gradient. Seen (oneDNN 2.6.3, AVX-512): direct 2.2e-7 and, for
// weights, 1e-6; Winograd 7.9e-7 and 9.4e-7.
TEST(Winograd, ErrsLittleMoreThanDirectConvolution) {
  for (const Index size : {7, 14, 28}) {
    const Errors direct = errors_of("direct", size);
    EXPECT_LE(direct.dst, 7e-7) << size;
    EXPECT_LE(direct.diff_src, 7e-7) << size;
    EXPECT_LE(direct.diff_weights, 1.7e-6) << size;
    if (!has_winograd()) continue;
    const Errors winograd = errors_of("winograd", size);
    EXPECT_LE(winograd.dst, 7e-6) << size;
    EXPECT_LE(winograd.diff_src, 7e-6) << size;
    EXPECT_LE(winograd.diff_weights, 1.7e-5) << size;
  }
}

TEST(Winograd, IsChosenByShapeAlone) {
  if (!has_winograd()) GTEST_SKIP() << "this CPU or this oneDNN has no Winograd convolution";
  const auto uses_winograd = [](Index channels, Index size, const char* extra) {
    const auto architecture =
        architecture_of(std::string("[[model.layers]]\nkind = 'convolution'\nchannels = 64\n"
                                    "[[model.layers]]\nkind = 'convolution'\nchannels = ") +
                            std::to_string(channels) + "\n" + extra +
                            "\n[[model.layers]]\nkind = 'global_average_pool'\n",
                        {1, size, size});
    NetworkHarness harness(architecture, 2, 2);
    return harness.network.describe().find("wino") != std::string::npos;
  };
  EXPECT_TRUE(uses_winograd(64, 28, ""));
  EXPECT_TRUE(uses_winograd(64, 14, ""));
  EXPECT_TRUE(uses_winograd(64, 7, ""));
  EXPECT_TRUE(uses_winograd(32, 14, ""));
  EXPECT_FALSE(uses_winograd(64, 3, ""));
  EXPECT_FALSE(uses_winograd(16, 14, ""));
  EXPECT_FALSE(uses_winograd(64, 14, "stride = 2"));
  EXPECT_FALSE(uses_winograd(64, 14, "groups = 2"));
  EXPECT_FALSE(uses_winograd(64, 14, "kernel = 5\npadding = 2"));
}

TEST(Winograd, FallsBackToDirectWhereItCannotBe) {
  // A stride of 2 has no Winograd; asking for it is no error.
  LayerHarness harness({spec("convolution", "layer", {{"stride", 2}})}, 2, {64, 14, 14},
                       NetworkMode::training, "winograd");
  EXPECT_EQ(harness.layers().children()[0]->implementation().find("wino"), std::string::npos);
}

TEST(Winograd, IsNotUsedWhereDirectIsAskedFor) {
  LayerHarness harness({spec("convolution", "layer")}, 2, {64, 28, 28}, NetworkMode::training,
                       "direct");
  EXPECT_EQ(harness.layers().children()[0]->implementation().find("wino"), std::string::npos);
}

}  // namespace
}  // namespace kindred::test
