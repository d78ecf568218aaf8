#include <fmt/format.h>

#include <span>

#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"
#include "nn/architectures/neck.h"
#include "nn/architectures/stages.h"

namespace kindred {
namespace {

/// A row of the papers' tables: blocks that widen by `expansion` to `channels`; the first has the
/// stride.
struct MobileStage {
  Index expansion;
  Index channels;
  Index blocks;
  Index stride;
};

/// Adds the stages and returns the channels of their dst.
Index add_stages(Section model, std::span<const MobileStage> rows, double width,
                 const std::string& activation, Index channels, std::vector<LayerSpec>& layers) {
  std::vector<Index> blocks;
  for (const MobileStage& row : rows) blocks.push_back(row.blocks);
  const std::vector<Index> stages = read_stages(model, std::move(blocks));
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const MobileStage& row = rows[stage];
    for (Index block = 0; block < stages[stage]; ++block) {
      InvertedResidual inverted;
      inverted.channels = widened(row.channels, width);
      inverted.expansion = row.expansion;
      inverted.stride = block == 0 ? row.stride : 1;
      inverted.activation = activation;
      add_inverted_residual(layers, fmt::format("stages.{}.{}", stage, block), channels, inverted);
      channels = inverted.channels;
    }
  }
  return channels;
}

void add_activated(std::vector<LayerSpec>& layers, const std::string& name,
                   const std::string& activation, LayerSpec weights) {
  add_unit(layers, name, "", std::move(weights));
  layers.push_back(layer(name + activation, activation));
}

}  // namespace

/// Source: Sandler et al. 2018, "MobileNetV2", table 2.
std::vector<LayerSpec> read_mobilenet_v2(Section model, const Shape& src) {
  constexpr MobileStage kRows[] = {
      {1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2},  {6, 64, 4, 2},
      {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
  };
  const double width = read_width(model);
  const bool small = read_small_stem(model, src);
  std::vector<LayerSpec> layers;
  const Index stem = widened(32, width);
  add_activated(layers, "stem.", "relu6",
                convolution("stem.convolution", stem, 3, small ? 1 : 2, 1, false));
  add_stages(model, kRows, width, "relu6", stem, layers);
  // The paper's last layer is not made narrower.
  add_activated(
      layers, "head.", "relu6",
      convolution("head.convolution", widened(1280, std::max(width, 1.0)), 1, 1, 0, false));
  add_neck(model, "pool", 0, src, layers);
  return layers;
}

/// Source: Chen et al. 2018, "MobileFaceNets", table 1.
std::vector<LayerSpec> read_mobilefacenet(Section model, const Shape& src) {
  constexpr MobileStage kRows[] = {
      {2, 64, 5, 2}, {4, 128, 1, 2}, {2, 128, 6, 1}, {4, 128, 1, 2}, {2, 128, 2, 1},
  };
  const double width = read_width(model);
  const bool small = read_small_stem(model, src);
  std::vector<LayerSpec> layers;
  const Index stem = widened(64, width);
  add_activated(layers, "stem.", "prelu",
                convolution("stem.convolution", stem, 3, small ? 1 : 2, 1, false));
  add_activated(layers, "stem.depthwise.", "prelu",
                depthwise("stem.depthwise.convolution", stem, 3, 1));
  add_stages(model, kRows, width, "prelu", stem, layers);
  add_activated(layers, "head.", "prelu",
                convolution("head.convolution", widened(512, width), 1, 1, 0, false));
  add_neck(model, "depthwise", 0, src, layers);
  return layers;
}

}  // namespace kindred
