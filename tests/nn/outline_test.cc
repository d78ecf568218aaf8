// What an outline reckons, against the compiled network and what the papers print.
#include "kindred/nn/outline.h"

#include <gtest/gtest.h>

#include <map>

#include "nn/network_harness.h"

namespace kindred::test {
namespace {

/// Operations of the compiled layers that multiply with weights. Of those that compute more, a stem
/// block's norm and pool, only the whole is known: none is among the networks below.
double products_of(const Network& network) {
  double flops = 0;
  for (const LayerSummary& layer : network.layers()) {
    const bool product = layer.kind.find("convolution") != layer.kind.npos ||
                         layer.kind.find("linear") != layer.kind.npos;
    if (product) flops += layer.flops;
  }
  return flops;
}

TEST(Outline, CountsWhatTheCompiledNetworkHas) {
  const std::pair<const char*, Shape> networks[] = {
      {"architecture = 'conv4'", {3, 28, 28}},
      {"architecture = 'mlp'\nhidden = [30, 20]", {50}},
      {"architecture = 'resnet'", {3, 32, 32}},
      {"architecture = 'resnet18'\nwidth = 0.25", {3, 32, 32}},
      {"architecture = 'resnet50'\nwidth = 0.25\nstages = [1, 1, 1, 1]", {3, 64, 64}},
      {"architecture = 'iresnet18'\nwidth = 0.25\nstages = [1, 1, 1, 1]", {3, 32, 32}},
      {"architecture = 'mobilenet_v2'\nwidth = 0.25", {3, 32, 32}},
      {"architecture = 'mobilefacenet'\nwidth = 0.25", {3, 32, 32}},
      {"layers = ['conv 8 norm hard_swish squeeze_excite 2', 'inverted 8 squeeze=4', "
       "'gem_pool layer_norm', 'linear 5']",
       {3, 12, 12}},
      {"[[model.layers]]\nkind = 'convolution'\nchannels = 32\n"
       "[[model.layers]]\nkind = 'instance_norm'\n"
       "[[model.layers]]\nkind = 'prelu'\n"
       "[[model.layers]]\nkind = 'concatenate'\n"
       "[[model.layers.branches]]\n"
       "[[model.layers.branches.layers]]\nkind = 'convolution'\nchannels = 48\n"
       "[[model.layers.branches]]\n"
       "[[model.layers.branches.layers]]\nkind = 'convolution'\nchannels = 24\n"
       "[[model.layers]]\nkind = 'global_average_pool'\n"
       "[[model.layers]]\nkind = 'linear'\nfeatures = 12\n"
       "[[model.layers]]\nkind = 'layer_norm'\n",
       {3, 10, 9}},
      {"layers = ['conv 8 norm relu residual 16 stride=2 x2', 'flatten', 'linear 5']", {3, 12, 12}},
  };
  for (const auto& [model, src] : networks) {
    SCOPED_TRACE(model);
    const Architecture architecture = architecture_of(model, src);
    const Outline outline = outline_of(architecture);
    const NetworkHarness harness(architecture, 2, 2);
    Index trained = 0;
    for (const Segment& segment : harness.table.segments()) trained += segment.size;
    EXPECT_EQ(outline.parameters, static_cast<double>(trained));
    EXPECT_EQ(outline.flops, products_of(harness.network));
  }
}

// torchvision's tables, less the classifier of 1,000 (He et al. 2016, table 1; Sandler et al. 2018,
// table 4), plus the linear layer to 128 numbers.
TEST(Outline, OfThePublishedNetworksIsWhatIsPublished) {
  std::map<std::string, Outline> of;
  for (const ArchitectureOutline& one : outline_architectures()) of[one.name] = one.outline;
  const auto linear = [](double features, double to) { return features * to + to; };
  EXPECT_EQ(of["resnet18"].parameters, 11'689'512 - linear(512, 1000) + linear(512, 128));
  EXPECT_EQ(of["resnet34"].parameters, 21'797'672 - linear(512, 1000) + linear(512, 128));
  EXPECT_EQ(of["resnet50"].parameters, 25'557'032 - linear(2048, 1000) + linear(2048, 128));
  EXPECT_EQ(of["mobilenet_v2"].parameters, 3'504'872 - linear(1280, 1000) + linear(1280, 128));
  EXPECT_NEAR(of["mobilenet_v2"].flops / 2e9, 0.300, 0.001);
  // 0.99 million (Chen et al. 2018, table 1; its norms and slopes are counted here), and 0.22
  // billion multiply-adds.
  EXPECT_NEAR(of["mobilefacenet"].parameters, 0.99e6, 0.02e6);
  EXPECT_NEAR(of["mobilefacenet"].flops / 2e9, 0.22, 0.01);
  // 1.814, 3.664 and 4.089 billion multiply-adds at 224 x 224.
  EXPECT_NEAR(of["resnet18"].flops / 2e9, 1.814, 0.001);
  EXPECT_NEAR(of["resnet34"].flops / 2e9, 3.664, 0.001);
  EXPECT_NEAR(of["resnet50"].flops / 2e9, 4.087, 0.003);
}

TEST(Outline, PutsBlocksBeforeWhatIsInThem) {
  const Outline outline = outline_of(
      architecture_of("layers = ['residual 8 stride=2', 'flatten', 'linear 2']", {3, 8, 8}));
  ASSERT_EQ(outline.rows.size(), 10U);
  EXPECT_EQ(outline.rows[0].kind, "residual");
  EXPECT_EQ(outline.rows[0].depth, 0);
  EXPECT_EQ(outline.rows[1].name, "layers.0.body.0");
  EXPECT_EQ(outline.rows[1].depth, 1);
  EXPECT_EQ(outline.rows[1].settings, "3x3, stride 2");
  EXPECT_EQ(outline.rows[6].name, "layers.0.shortcut.0");
  EXPECT_EQ(outline.rows[6].dst, (Shape{8, 4, 4}));
  EXPECT_EQ(outline.rows[9].parameters, 2 * 8 * 16 + 2);
}

}  // namespace
}  // namespace kindred::test
