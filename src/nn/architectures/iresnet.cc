#include <fmt/format.h>

#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"
#include "nn/architectures/neck.h"
#include "nn/architectures/stages.h"

namespace kindred {
namespace {

/// Norm, 3x3 convolution, norm, PReLU, 3x3 convolution with the stride, norm; the input is carried
/// over, and nothing follows the sum.
LayerSpec improved_block(const std::string& name, Index src_channels, Index channels,
                         Index stride) {
  LayerSpec block = layer(name, "residual", {{"relu", 0.0}});
  const std::string prefix = name + ".";
  block.body.push_back(layer(prefix + "norm1", "batch_norm"));
  add_unit(block.body, prefix, "2", convolution(prefix + "convolution1", channels, 3, 1, 1, false));
  block.body.push_back(layer(prefix + "prelu", "prelu"));
  add_unit(block.body, prefix, "3",
           convolution(prefix + "convolution2", channels, 3, stride, 1, false));
  if (stride != 1 || src_channels != channels) {
    const std::string shortcut = prefix + "shortcut.";
    add_unit(block.shortcut, shortcut, "",
             convolution(shortcut + "convolution", channels, 1, stride, 0, false));
  }
  return block;
}

/// The residual networks of Deng et al. 2019, "ArcFace", section 3.2.2, as insightface has them
/// (Han et al. 2017, "Deep pyramidal residual networks", for the block): every stage halves the
/// image, and the stem keeps its size.
std::vector<LayerSpec> read_iresnet(Section model, const Shape& src, std::vector<Index> blocks) {
  const double width = read_width(model);
  const std::vector<Index> stages = read_stages(model, std::move(blocks));
  double dropout = 0;
  model.read("dropout", dropout, "probability of dropping a number before the last layer",
             {0, 0.99});
  std::vector<LayerSpec> layers;
  Index channels = widened(64, width);
  add_unit(layers, "stem.", "", convolution("stem.convolution", channels, 3, 1, 1, false));
  layers.push_back(layer("stem.prelu", "prelu"));
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const Index dst = widened(Index{64} << stage, width);
    for (Index block = 0; block < stages[stage]; ++block) {
      layers.push_back(improved_block(fmt::format("stages.{}.{}", stage, block), channels, dst,
                                      block == 0 ? 2 : 1));
      channels = dst;
    }
  }
  add_neck(model, "flatten", dropout, src, layers);
  return layers;
}

}  // namespace

std::vector<LayerSpec> read_iresnet18(Section model, const Shape& src) {
  return read_iresnet(model, src, {2, 2, 2, 2});
}
std::vector<LayerSpec> read_iresnet50(Section model, const Shape& src) {
  return read_iresnet(model, src, {3, 4, 14, 3});
}

}  // namespace kindred
