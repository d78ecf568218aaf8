// Where a first block is computed at once, and what its statistics are worth.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kindred/core/cpu.h"
#include "nn/layer_harness.h"
#include "support/bfloat16.h"

namespace kindred::test {
namespace {

LayerSpec convolution(double channels, double stride = 1, double bias = 0, double kernel = 3) {
  return spec("convolution", "layer",
              {{"channels", channels}, {"kernel", kernel}, {"stride", stride}, {"bias", bias}});
}
const LayerSpec kNorm = spec("batch_norm", "norm");
const LayerSpec kRelu = spec("relu", "relu");
const LayerSpec kPool = spec("max_pool", "pool");

LayerHarness harness_of(const std::vector<LayerSpec>& layers, const Shape& src = {1, 12, 12},
                        bool wants_diff = false) {
  return LayerHarness(layers, 2, src, NetworkMode::training, "auto", FormatTag::nhwc,
                      Precision::float32, wants_diff);
}

bool is_block(const LayerHarness& harness) {
  return harness.layers().children()[0]->kind().find("max_pool") != std::string::npos;
}
TEST(StemBlock, IsChosenByWhatItCanDo) {
  if (isa() < Isa::v3) GTEST_SKIP() << "blocks need AVX2";
  EXPECT_TRUE(is_block(harness_of({convolution(64), kNorm, kPool})));
  EXPECT_FALSE(is_block(harness_of({convolution(16), kNorm, kRelu})));
  EXPECT_FALSE(is_block(harness_of({convolution(16), kRelu, kNorm, kPool})));
  EXPECT_FALSE(is_block(harness_of({convolution(24), kNorm, kRelu, kPool})));
  EXPECT_FALSE(is_block(harness_of({convolution(16, 2), kNorm, kRelu, kPool})));
  EXPECT_FALSE(is_block(harness_of({convolution(16, 1, 1), kNorm, kRelu, kPool})));
  EXPECT_FALSE(is_block(harness_of({convolution(16, 1, 0, 1), kNorm, kRelu, kPool})));
  EXPECT_FALSE(is_block(harness_of({convolution(16), kNorm, kRelu, kPool}, {3, 12, 12})));
  EXPECT_FALSE(is_block(harness_of({convolution(16), kNorm, kRelu, kPool}, {1, 12, 12}, true)));
}

TEST(StemBlock, IsChosenInInferenceByWhatItCanDo) {
  if (isa() < Isa::v3) GTEST_SKIP() << "blocks need AVX2";
  const auto chosen = [](const std::vector<LayerSpec>& layers, const Shape& src = {1, 12, 12}) {
    LayerHarness trained = harness_of(layers, src);
    return is_block(LayerHarness(layers, 2, src, trained));
  };
  EXPECT_TRUE(chosen({convolution(64), kNorm, kRelu, kPool}));
  EXPECT_TRUE(chosen({convolution(16, 1, 1), kRelu, kPool}));
  EXPECT_TRUE(chosen({convolution(16), kPool}));
  EXPECT_FALSE(chosen({convolution(16), kNorm, kRelu}));
  EXPECT_FALSE(chosen({convolution(16), kNorm, kRelu, spec("average_pool", "pool")}));
  EXPECT_FALSE(chosen({convolution(16), kNorm, kRelu, spec("max_pool", "pool", {{"kernel", 3}})}));
  EXPECT_FALSE(chosen({convolution(24), kNorm, kRelu, kPool}));
  EXPECT_FALSE(chosen({convolution(16, 2), kNorm, kRelu, kPool}));
  EXPECT_FALSE(chosen({convolution(16), kNorm, kRelu, kPool}, {3, 12, 12}));
}

// Against the same layers without the pool, computed by other loops, and their maxima.
TEST(StemBlock, InfersWhatItsLayersDo) {
  if (isa() < Isa::v3) GTEST_SKIP() << "blocks need AVX2";
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    if (precision == Precision::bfloat16 && !has_bfloat16()) continue;
    for (const std::vector<LayerSpec>& layers : {std::vector{convolution(64), kNorm, kRelu},
                                                 {convolution(16, 1, 1), kRelu},
                                                 {convolution(32, 1, 1), kNorm},
                                                 {convolution(16)}}) {
      const Shape src_shape{1, 13, 10};
      std::vector<LayerSpec> with_pool = layers;
      with_pool.push_back(kPool);
      LayerHarness trained = harness_of(layers, src_shape);
      trained.fill_parameters(1);
      LayerHarness block(with_pool, 3, src_shape, trained, "auto", precision);
      LayerHarness apart(layers, 3, src_shape, trained, "auto", precision);
      ASSERT_TRUE(is_block(block));
      const naive::Tensor src = random_tensor(3, src_shape, 2);
      const naive::Tensor dst = block.forward(src);
      const naive::Tensor inner = apart.forward(src);
      ASSERT_EQ(dst.shape, (Shape{inner.shape.channels, 6, 5}));
      // A few roundings of sums in another order; one unit in bfloat16's last place.
      const double tolerance = precision == Precision::float32 ? 1e-6 : 1.0 / 256;
      for (Index n = 0; n < 3; ++n) {
        for (Index c = 0; c < dst.shape.channels; ++c) {
          for (Index h = 0; h < 6; ++h) {
            for (Index w = 0; w < 5; ++w) {
              const double expected =
                  std::max({inner(n, c, 2 * h, 2 * w), inner(n, c, 2 * h, 2 * w + 1),
                            inner(n, c, 2 * h + 1, 2 * w), inner(n, c, 2 * h + 1, 2 * w + 1)});
              ASSERT_NEAR(dst(n, c, h, w), expected, tolerance * std::max(1.0, std::abs(expected)));
            }
          }
        }
      }
    }
  }
}

// The variance of a channel is a difference of sums of squares, 10^8 times as large here. What is
// seen of it is as exact as a float can be: doubles lose 8 of their 16 digits.
TEST(StemBlock, MeasuresImagesOfNearlyOneColour) {
  if (isa() < Isa::v3) GTEST_SKIP() << "blocks need AVX2";
  LayerSpec no_padding = convolution(16);
  no_padding.settings.emplace_back("padding", 0);
  LayerHarness harness = harness_of({no_padding, kNorm, kRelu, kPool});
  harness.fill_parameters(1);
  naive::Tensor src = random_tensor(2, {1, 12, 12}, 2);
  for (double& value : src.values)
    value = static_cast<double>(static_cast<float>(1 + 1e-4 * value));
  harness.forward(src);

  for (Index o = 0; o < 16; ++o) {
    std::vector<double> dst;
    for (Index n = 0; n < 2; ++n) {
      for (Index h = 0; h < 10; ++h) {
        for (Index w = 0; w < 10; ++w) {
          double sum = 0;
          for (Index k = 0; k < 9; ++k) {
            const auto pixel = static_cast<std::size_t>((n * 12 + h + k / 3) * 12 + w + k % 3);
            sum += static_cast<double>(harness.parameters[static_cast<std::size_t>(o * 9 + k)]) *
                   src.values[pixel];
          }
          dst.push_back(sum);
        }
      }
    }
    double mean = 0;
    for (const double value : dst) mean += value / 200;
    double variance = 0;
    for (const double value : dst) variance += (value - mean) * (value - mean) / 200;
    EXPECT_NEAR(static_cast<double>(harness.statistics[o]), mean, 1e-7 * std::abs(mean)) << o;
    EXPECT_NEAR(static_cast<double>(harness.statistics[16 + o]), variance, 1e-6 * variance) << o;
  }
}

}  // namespace
}  // namespace kindred::test
