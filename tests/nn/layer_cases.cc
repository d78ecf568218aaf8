#include "nn/layer_cases.h"

#include "kindred/core/cpu.h"

namespace kindred::test {
namespace {

// float32: a sum of K terms of similar size is off by about sqrt(K) 2^-24 of its spread, and
// outputs are compared as a share of the largest, some four spreads. Weights' gradients sum up to
// K = 4 * 28 * 28 = 3,136 terms, inputs' up to 9 * 256 = 2,304: sqrt(K) 2^-24 = 3.3e-6.
constexpr double kSum = 4e-6;
// Winograd's F(4x4, 3x3) multiplies by up to 8 and adds up to 6 terms in each direction on the way
// in and out; winograd_test.cc has its bound.
constexpr double kWinograd = 1e-5;
// Norms divide by a spread that is itself a sum, and subtract two means from each diff.
constexpr double kNorm = 4e-6;
// Gates and powers come from our own exponentials and logarithms, right to 2e-7 each; powers
// multiply the logarithms' error by up to 4, and the gradient of a power is what remains of two
// terms.
constexpr double kSmooth = 4e-6;

LayerSpec convolution(Index channels, Index kernel, Index stride, Index padding, bool bias,
                      Index groups = 1, Index dilation = 1) {
  const auto number = [](Index value) { return static_cast<double>(value); };
  return spec("convolution", "layer",
              {{"channels", number(channels)},
               {"kernel", number(kernel)},
               {"stride", number(stride)},
               {"padding", number(padding)},
               {"bias", bias ? 1.0 : 0.0},
               {"groups", number(groups)},
               {"dilation", number(dilation)}});
}

LayerSpec depthwise(Index channels, Index kernel, Index stride, Index padding, bool bias = false) {
  return convolution(channels, kernel, stride, padding, bias, channels);
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

LayerSpec concatenate(std::vector<std::vector<LayerSpec>> branches) {
  LayerSpec layer = spec("concatenate", "block");
  layer.branches = std::move(branches);
  return layer;
}

LayerSpec squeeze_excite(double channels, bool hard = false) {
  return spec("squeeze_excite", "gate", {{"channels", channels}, {"hard", hard ? 1.0 : 0.0}});
}

LayerSpec named(LayerSpec layer, std::string name) {
  layer.name = std::move(name);
  return layer;
}

const FormatTag kBlocked = FormatTag::nChw16c;
const FormatTag kLast = FormatTag::nhwc;
const LayerSpec kFirst = convolution(48, 3, 1, 1, false);
const LayerSpec kNorm1 = spec("batch_norm", "norm1");
const LayerSpec kNorm2 = spec("batch_norm", "norm2");
const LayerSpec kRelu1 = spec("relu", "relu1");
const LayerSpec kPool1 = spec("max_pool", "pool1");
const LayerSpec kInstanceNorm = spec("instance_norm", "norm1");
const LayerSpec kRelu6 = spec("relu6", "f");
const LayerSpec kPrelu = spec("prelu", "f");
const LayerSpec kHardSwish = spec("hard_swish", "f");
const LayerSpec kSwish = spec("swish", "f");

}  // namespace

std::vector<Case> layer_cases() {
  // What Winograd reads.
  const FormatTag registers = vector_floats(isa()) == 16 ? FormatTag::nChw16c : FormatTag::nChw8c;
  return {
      // conv4
      {"conv4_block1", 4, {1, 28, 28}, {convolution(64, 3, 1, 1, false)}, kSum, kLast, true},
      {"conv4_block2", 4, {64, 14, 14}, {convolution(64, 3, 1, 1, false)}, kWinograd, registers},
      {"conv4_block3", 4, {64, 7, 7}, {convolution(64, 3, 1, 1, false)}, kWinograd, registers},
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
       registers},
      {"resnet_block_down",
       2,
       {32, 8, 8},
       {residual({named(convolution(48, 3, 2, 1, false), "convolution1"), kNorm1, kRelu1,
                  named(convolution(48, 3, 1, 1, false), "convolution2"), kNorm2},
                 {convolution(48, 1, 2, 0, false), spec("batch_norm", "norm3")})},
       kWinograd,
       registers},
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
      // first blocks: convolution, norm and pool at once
      {"block1", 3, {1, 28, 28}, {kFirst, kNorm1, kRelu1, kPool1}, kNorm, kLast, true},
      {"block1_odd", 3, {1, 9, 11}, {kFirst, kNorm1, kRelu1, kPool1}, kNorm, kLast, true},
      {"block1_no_relu", 3, {1, 6, 7}, {kFirst, kNorm1, kPool1}, kNorm, kLast, true},
      {"block1_one_window", 3, {1, 2, 3}, {kFirst, kNorm1, kRelu1, kPool1}, kNorm, kLast, true},
      {"block1_no_padding",
       3,
       {1, 13, 8},
       {convolution(80, 3, 1, 0, false), kNorm1, kRelu1, kPool1},
       kNorm,
       kLast,
       true},
      {"block1_wide_padding",
       3,
       {1, 5, 4},
       {convolution(16, 3, 1, 2, false), kNorm1, kRelu1, kPool1},
       kNorm,
       kLast,
       true},
      // odd ones
      {"odd_channels", 3, {5, 9, 11}, {convolution(7, 3, 1, 1, true)}, kSum},
      {"odd_channels_padded", 3, {24, 9, 11}, {convolution(40, 3, 2, 1, true)}, kSum, kBlocked},
      {"grouped", 3, {32, 9, 9}, {convolution(64, 3, 1, 1, true, 2)}, kSum},
      {"grouped_by_8", 3, {32, 9, 9}, {convolution(32, 3, 1, 1, false, 4)}, kSum, kBlocked},
      {"grouped_odd", 3, {12, 7, 9}, {convolution(18, 3, 2, 1, true, 3)}, kSum},
      {"grouped_by_one", 3, {6, 7, 9}, {convolution(18, 3, 1, 1, true, 6)}, kSum},
      {"dilated", 3, {16, 11, 12}, {convolution(24, 3, 1, 2, true, 1, 2)}, kSum},
      {"dilated_blocked", 3, {32, 12, 9}, {convolution(32, 3, 1, 3, false, 1, 3)}, kSum, kBlocked},
      {"dilated_with_stride", 3, {16, 12, 13}, {convolution(16, 3, 2, 2, false, 1, 2)}, kSum},
      {"dilated_groups", 3, {16, 11, 12}, {convolution(16, 3, 1, 2, false, 2, 2)}, kSum},
      // depthwise: mobilefacenet's kinds, others, and odd ones
      {"depthwise", 3, {32, 9, 9}, {depthwise(32, 3, 1, 1, true)}, kSum},
      {"depthwise_3x3", 4, {64, 28, 28}, {depthwise(64, 3, 1, 1)}, kSum, registers},
      {"depthwise_down", 4, {64, 28, 28}, {depthwise(64, 3, 2, 1)}, kSum, registers},
      {"depthwise_7x7", 4, {64, 7, 7}, {depthwise(64, 3, 1, 1)}, kSum, registers},
      {"depthwise_global", 16, {64, 7, 7}, {depthwise(64, 7, 1, 0)}, kSum, registers},
      {"depthwise_5x5", 3, {24, 14, 11}, {depthwise(24, 5, 1, 2, true)}, kSum, kBlocked},
      {"depthwise_5x5_down", 3, {24, 13, 12}, {depthwise(24, 5, 2, 2)}, kSum, FormatTag::nChw8c},
      {"depthwise_odd", 3, {17, 9, 11}, {depthwise(17, 3, 2, 1, true)}, kSum},
      {"depthwise_plain", 3, {3, 9, 11}, {depthwise(3, 3, 1, 1, true)}, kSum, FormatTag::nchw},
      {"depthwise_dilated", 3, {24, 11, 12}, {convolution(24, 3, 1, 2, true, 24, 2)}, kSum},
      {"depthwise_first", 3, {3, 12, 12}, {depthwise(3, 3, 1, 1, true)}, kSum, kLast, true},
      // No norm behind the depthwise convolution: it would take norm1's scale away again, channel
      // by
      // channel, and leave a hundredth of that gradient's terms, with errors of one sign.
      {"inverted_residual",
       2,
       {16, 8, 8},
       {residual(
           {named(convolution(32, 1, 1, 0, false), "convolution1"), kNorm1, kRelu1,
            named(depthwise(32, 3, 1, 1), "convolution2"), spec("relu", "relu2"),
            named(convolution(16, 1, 1, 0, false), "convolution3"), spec("batch_norm", "norm3")},
           {}, false)},
       kNorm,
       registers},
      {"kernel_5_no_padding", 3, {4, 11, 12}, {convolution(16, 5, 1, 0, true)}, kSum},
      // more samples than bfloat16's gradient takes at once
      {"kernel_5_in_parts", 20, {32, 12, 12}, {convolution(32, 5, 1, 2, false)}, kSum, kBlocked},
      {"kernel_1_of_many", 3, {32, 5, 5}, {convolution(64, 1, 1, 0, false)}, kSum, kBlocked},
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
      // activations, alone
      {"relu6", 3, {5, 4, 3}, {kRelu6}, 0.0},
      {"hard_swish", 3, {21, 4, 3}, {kHardSwish}, kSum},
      {"swish", 3, {21, 4, 3}, {kSwish}, kSmooth},
      {"prelu", 3, {157, 5, 3}, {kPrelu}, kSum},
      {"prelu_padded", 3, {21, 7, 5}, {kPrelu}, kSum, kBlocked},
      {"prelu_blocks_of_8", 3, {24, 7, 5}, {kPrelu}, kSum, FormatTag::nChw8c},
      {"prelu_plain", 3, {6, 5, 7}, {kPrelu}, kSum, FormatTag::nchw},
      {"prelu_vector", 16, {50, 1, 1}, {kPrelu}, kSum},
      {"prelu_first", 3, {3, 9, 7}, {kPrelu}, kSum, kLast, true},
      // and behind a norm, which computes them
      {"norm_relu6_pool", 3, {21, 6, 7}, {kNorm1, kRelu6, kPool1}, kNorm},
      {"norm_prelu", 3, {21, 5, 7}, {kNorm1, kPrelu}, kNorm},
      {"norm_prelu_padded", 3, {24, 5, 7}, {kNorm1, kPrelu}, kNorm, kBlocked},
      {"norm_prelu_then_pool", 3, {32, 6, 8}, {kNorm1, kPrelu, kPool1}, kNorm, kBlocked},
      {"norm_hard_swish", 3, {21, 5, 7}, {kNorm1, kHardSwish}, kNorm},
      {"norm_swish", 3, {40, 5, 7}, {kNorm1, kSwish}, kNorm, FormatTag::nChw8c},
      {"norm_swish_then_pool", 3, {21, 6, 7}, {kNorm1, kSwish, kPool1}, kNorm},
      {"block1_prelu", 3, {1, 9, 11}, {kFirst, kNorm1, kPrelu, kPool1}, kNorm, kLast, true},
      {"block1_relu6", 3, {1, 9, 11}, {kFirst, kNorm1, kRelu6, kPool1}, kNorm, kLast, true},
      {"prelus_around_a_convolution",
       2,
       {16, 8, 8},
       {kPrelu, convolution(32, 3, 1, 1, true), spec("prelu", "f2")},
       kWinograd,
       registers},
      // other norms
      {"instance_norm", 3, {21, 5, 7}, {kInstanceNorm}, kNorm},
      {"instance_norm_prelu", 3, {157, 5, 7}, {kInstanceNorm, kPrelu}, kNorm},
      {"instance_norm_pool", 3, {24, 6, 7}, {kInstanceNorm, kRelu1, kPool1}, kNorm, kBlocked},
      {"instance_norm_plain", 3, {6, 5, 7}, {kInstanceNorm, kSwish}, kNorm, FormatTag::nchw},
      {"layer_norm", 16, {77, 1, 1}, {spec("layer_norm", "norm1")}, kNorm},
      {"layer_norm_padded", 3, {21, 1, 1}, {spec("layer_norm", "norm1")}, kNorm, kBlocked},
      {"layer_norm_between",
       8,
       {40, 1, 1},
       {spec("linear", "layer", {{"features", 64}}), spec("layer_norm", "norm1"), kSwish,
        spec("linear", "layer2", {{"features", 24}})},
       kNorm},
      {"l2_normalize", 16, {77, 1, 1}, {spec("l2_normalize", "unit")}, kNorm},
      {"l2_normalize_padded", 3, {21, 1, 1}, {spec("l2_normalize", "unit")}, kNorm, kBlocked},
      // generalised means
      {"gem_pool", 3, {21, 9, 7}, {spec("gem_pool", "gem")}, kSmooth},
      {"gem_pool_padded", 3, {21, 5, 4}, {spec("gem_pool", "gem")}, kSmooth, kBlocked},
      {"gem_pool_plain", 3, {5, 4, 4}, {spec("gem_pool", "gem")}, kSmooth, FormatTag::nchw},
      // gates
      {"squeeze_excite", 3, {32, 6, 5}, {squeeze_excite(8)}, kSmooth, kBlocked},
      {"squeeze_excite_hard", 3, {21, 6, 5}, {squeeze_excite(5, true)}, kSmooth},
      {"squeeze_excite_padded", 3, {21, 6, 5}, {squeeze_excite(6)}, kSmooth, FormatTag::nChw8c},
      {"squeeze_excite_plain", 3, {6, 4, 5}, {squeeze_excite(3)}, kSmooth, FormatTag::nchw},
      {"squeeze_excite_in_a_residual",
       2,
       {16, 6, 6},
       {residual({convolution(16, 3, 1, 1, false), kNorm1, squeeze_excite(4)}, {})},
       kWinograd,
       registers},
      // branches
      {"branches_of_blocks",
       2,
       {16, 8, 8},
       {concatenate({{convolution(32, 3, 1, 1, false), kNorm1, kRelu1},
                     {named(convolution(16, 1, 1, 0, true), "layer2")}})},
       kWinograd,
       registers},
      {"branches_of_odd_channels",
       3,
       {5, 7, 6},
       {concatenate({{convolution(7, 3, 1, 1, true), kRelu1}, {}, {kPrelu}})},
       kSum},
      {"branches_of_other_layouts",
       3,
       {16, 7, 6},
       {concatenate({{}, {convolution(20, 3, 1, 1, true)}, {pool("max_pool", 3, 1, 1)}}), kSwish},
       kSum,
       kBlocked},
      {"branches_of_vectors",
       8,
       {24, 1, 1},
       {concatenate({{spec("linear", "layer", {{"features", 10}})}, {}}), kPrelu},
       kSum},
      {"branches_within_branches",
       2,
       {8, 6, 6},
       {concatenate({{named(concatenate({{kPrelu}, {kRelu1}}), "inner")}, {spec("swish", "f2")}})},
       kSmooth},
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

}  // namespace kindred::test
