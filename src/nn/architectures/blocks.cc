#include "nn/architectures/blocks.h"

#include "nn/architectures/architectures.h"

namespace kindred {
namespace {

/// 1x1 convolution and norm where the input cannot be carried over as it is.
void add_shortcut(LayerSpec& block, Index src_channels, Index channels, Index stride) {
  if (stride == 1 && src_channels == channels) return;
  const std::string name = block.name + ".shortcut.";
  add_unit(block.shortcut, name, "",
           convolution(name + "convolution", channels, 1, stride, 0, false));
}

}  // namespace

void add_unit(std::vector<LayerSpec>& layers, const std::string& name, const std::string& number,
              LayerSpec weights) {
  layers.push_back(std::move(weights));
  layers.push_back(layer(name + "norm" + number, "batch_norm"));
}

LayerSpec basic_block(const std::string& name, Index src_channels, Index channels, Index stride) {
  LayerSpec block = layer(name, "residual");
  const std::string prefix = name + ".";
  add_unit(block.body, prefix, "1",
           convolution(prefix + "convolution1", channels, 3, stride, 1, false));
  block.body.push_back(layer(prefix + "relu1", "relu"));
  add_unit(block.body, prefix, "2", convolution(prefix + "convolution2", channels, 3, 1, 1, false));
  add_shortcut(block, src_channels, channels, stride);
  return block;
}

LayerSpec bottleneck_block(const std::string& name, Index src_channels, Index channels,
                           Index stride) {
  const Index between = channels / 4;
  LayerSpec block = layer(name, "residual");
  const std::string prefix = name + ".";
  add_unit(block.body, prefix, "1", convolution(prefix + "convolution1", between, 1, 1, 0, false));
  block.body.push_back(layer(prefix + "relu1", "relu"));
  add_unit(block.body, prefix, "2",
           convolution(prefix + "convolution2", between, 3, stride, 1, false));
  block.body.push_back(layer(prefix + "relu2", "relu"));
  add_unit(block.body, prefix, "3", convolution(prefix + "convolution3", channels, 1, 1, 0, false));
  add_shortcut(block, src_channels, channels, stride);
  return block;
}

void add_inverted_residual(std::vector<LayerSpec>& layers, const std::string& name,
                           Index src_channels, const InvertedResidual& block) {
  const Index between = src_channels * block.expansion;
  const std::string prefix = name + ".";
  std::vector<LayerSpec> body;
  const auto add_activated = [&](const std::string& what, LayerSpec weights) {
    body.push_back(std::move(weights));
    body.push_back(layer(prefix + what + ".norm", "batch_norm"));
    body.push_back(layer(prefix + what + "." + block.activation, block.activation));
  };
  if (block.expansion != 1) {
    add_activated("expand", convolution(prefix + "expand.convolution", between, 1, 1, 0, false));
  }
  add_activated("depthwise",
                depthwise(prefix + "depthwise.convolution", between, block.kernel, block.stride));
  if (block.squeeze > 0) {
    body.push_back(layer(prefix + "squeeze_excite", "squeeze_excite",
                         {{"channels", static_cast<double>(blocks_of(between, block.squeeze))}}));
  }
  add_unit(body, prefix + "project.", "",
           convolution(prefix + "project.convolution", block.channels, 1, 1, 0, false));
  if (block.stride == 1 && src_channels == block.channels) {
    LayerSpec residual = layer(name, "residual", {{"relu", 0.0}});
    residual.body = std::move(body);
    layers.push_back(std::move(residual));
  } else {
    for (LayerSpec& spec : body) layers.push_back(std::move(spec));
  }
}

LayerSpec depthwise(std::string name, Index channels, Index kernel, Index stride) {
  LayerSpec spec = convolution(std::move(name), channels, kernel, stride, (kernel - 1) / 2, false);
  spec.settings.emplace_back("groups", static_cast<double>(channels));
  return spec;
}

}  // namespace kindred
