// Depthwise convolutions as layers: who computes them, what is fused, and who shares the work.
#include <gtest/gtest.h>

#include <algorithm>

#include "nn/layer_harness.h"
#include "support/error_of.h"

namespace kindred::test {
namespace {

using Settings = std::vector<std::pair<std::string, double>>;

LayerSpec convolution(Index channels, Settings settings, const std::string& name = "layer") {
  settings.emplace_back("channels", static_cast<double>(channels));
  return spec("convolution", name, std::move(settings));
}
LayerSpec depthwise(Index channels, Settings settings = {}, const std::string& name = "layer") {
  settings.emplace_back("groups", static_cast<double>(channels));
  return convolution(channels, std::move(settings), name);
}

std::string implementation(const LayerSpec& layer, const Shape& src,
                           const std::string& wish = "auto", FormatTag layout = FormatTag::nChw8c) {
  const LayerHarness harness({layer}, 2, src, NetworkMode::training, wish, layout);
  return harness.layers().children()[0]->implementation();
}

TEST(Depthwise, IsComputedByOwnLoopsUnlessDirectIsAskedFor) {
  EXPECT_EQ(implementation(depthwise(32), {32, 14, 14}), "own loops");
  EXPECT_EQ(implementation(depthwise(32), {32, 14, 14}, "winograd"), "own loops");
  EXPECT_EQ(implementation(depthwise(17, {{"stride", 3}}), {17, 14, 14}, "auto", FormatTag::nhwc),
            "own loops");
  EXPECT_NE(implementation(depthwise(32), {32, 14, 14}, "direct"), "own loops");
  // Two outputs to each channel, or two channels to each output, are oneDNN's.
  EXPECT_NE(implementation(convolution(64, {{"groups", 32}}), {32, 14, 14}), "own loops");
  EXPECT_NE(implementation(convolution(32, {{"groups", 16}}), {32, 14, 14}), "own loops");
}

TEST(Depthwise, KeepsTheLayoutOfItsInput) {
  for (const FormatTag layout : {FormatTag::nhwc, FormatTag::nChw8c, FormatTag::nChw16c}) {
    const LayerHarness harness({depthwise(32, {{"stride", 2}})}, 2, {32, 14, 14},
                               NetworkMode::training, "auto", layout);
    EXPECT_TRUE(has_layout(harness.layers().dst_desc(), layout));
    EXPECT_EQ(harness.layers().children().size(), 1U);
  }
}

/// What oneDNN makes of the same, "direct".
void expect_as_direct(const std::vector<LayerSpec>& layers, const Shape& src, double tolerance) {
  LayerHarness trained(layers, 3, src);
  trained.fill_parameters(5);
  LayerHarness own(layers, 3, src, trained);
  LayerHarness direct(layers, 3, src, trained, "direct");
  const auto x = random_tensor(3, src, 6);
  EXPECT_LE(error_of(own.forward(x).values, direct.forward(x).values), tolerance);
}

TEST(Depthwise, FoldsANormAndActivatesInInference) {
  for (const double stride : {1.0, 2.0}) {
    for (const Index channels : {16, 21}) {
      const std::vector<LayerSpec> layers{
          convolution(channels, {{"kernel", 1}, {"padding", 0}}, "before"),
          depthwise(channels, {{"stride", stride}}), spec("batch_norm", "norm"),
          spec("relu", "relu")};
      LayerHarness trained(layers, 3, {8, 11, 13});
      trained.fill_parameters(5);
      const LayerHarness inference(layers, 3, {8, 11, 13}, trained);
      const auto children = inference.layers().children();
      ASSERT_EQ(children.size(), 2U);
      EXPECT_EQ(children[1]->kind(), "convolution + batch_norm + relu");
      EXPECT_EQ(children[1]->implementation(), "own loops");
      expect_as_direct(layers, {8, 11, 13}, 1e-6);  // 9 terms, then 8
    }
  }
}

TEST(Depthwise, AddsTheShortcutItself) {
  for (const double relu : {0.0, 1.0}) {
    LayerSpec block = spec("residual", "block", {{"relu", relu}});
    block.body = {convolution(24, {{"kernel", 1}, {"padding", 0}}, "before"), depthwise(24)};
    LayerHarness trained({block}, 3, {24, 9, 10});
    const LayerHarness inference({block}, 3, {24, 9, 10}, trained);
    EXPECT_EQ(inference.layers().children()[0]->implementation(), "sum in the last convolution");
    expect_as_direct({block}, {24, 9, 10}, 1e-6);
  }
}

TEST(Depthwise, IsDilatedAsOneDnnDilates) {
  expect_as_direct({depthwise(16, {{"dilation", 2}, {"padding", 2}})}, {16, 12, 11}, 1e-6);
  expect_as_direct({depthwise(16, {{"dilation", 3}, {"padding", 1}, {"stride", 2}})}, {16, 12, 11},
                   1e-6);
}

// oneDNN's plain loops are hundreds of times slower than what it has for every usual shape.
TEST(Convolution, RunsNoPlainLoopsForGroupsAndDilations) {
  for (const FormatTag layout : {FormatTag::nhwc, FormatTag::nChw8c, FormatTag::nChw16c}) {
    for (const Settings& settings :
         {Settings{{"groups", 2}}, Settings{{"groups", 4}}, Settings{{"groups", 8}},
          Settings{{"groups", 16}}, Settings{{"groups", 4}, {"stride", 2}},
          Settings{{"dilation", 2}, {"padding", 2}}, Settings{{"dilation", 3}, {"padding", 0}},
          Settings{{"dilation", 2}, {"padding", 2}, {"stride", 2}},
          Settings{{"dilation", 2}, {"padding", 2}, {"groups", 4}},
          Settings{{"dilation", 2}, {"padding", 2}, {"groups", 32}}}) {
      const std::string found =
          implementation(convolution(32, settings), {32, 14, 14}, "auto", layout);
      EXPECT_EQ(found.find("ref:"), std::string::npos) << found;
    }
  }
}

TEST(Convolution, SaysWhereADilatedKernelDoesNotFit) {
  const auto shape_of = [](Settings settings) {
    return [settings] { dst_shape({convolution(8, settings)}, {8, 9, 9}); };
  };
  EXPECT_EQ(error_of(shape_of({{"dilation", 5}, {"padding", 0}})),
            "layer 'layer' (convolution) on an input of 9 x 9 x 8 (height x width x channels): the "
            "kernel of 3 x 3 with dilation 5 reaches over 11 x 11 pixels and does not fit even "
            "with padding 0; use a smaller kernel, less dilation, more padding or fewer pools "
            "before it");
  EXPECT_EQ(error_of(shape_of({{"dilation", 2}, {"padding", 5}})),
            "layer 'layer' (convolution) on an input of 9 x 9 x 8 (height x width x channels): "
            "padding 5 must be less than the 5 pixels that a kernel of 3 with dilation 2 reaches "
            "over");
  EXPECT_EQ(dst_shape({convolution(8, {{"dilation", 2}, {"padding", 2}})}, {8, 9, 9}),
            (Shape{8, 9, 9}));
  EXPECT_EQ(dst_shape({convolution(8, {{"dilation", 4}, {"padding", 0}})}, {8, 9, 9}),
            (Shape{8, 1, 1}));
}

}  // namespace
}  // namespace kindred::test
