#include <fmt/format.h>

#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"
#include "nn/architectures/neck.h"
#include "nn/architectures/stages.h"

namespace kindred {
namespace {

struct DeepResnet {
  std::vector<Index> stages;
  bool bottleneck = false;
};

/// The residual networks of He et al. 2016, table 1, in torchvision's layout: a bottleneck's stride
/// is in its 3x3 convolution.
std::vector<LayerSpec> read_deep_resnet(Section model, const Shape& src,
                                        const DeepResnet& network) {
  const double width = read_width(model);
  const std::vector<Index> stages = read_stages(model, network.stages);
  const bool small = read_small_stem(model, src);
  std::vector<LayerSpec> layers;
  Index channels = widened(64, width);
  add_unit(layers, "stem.", "",
           small ? convolution("stem.convolution", channels, 3, 1, 1, false)
                 : convolution("stem.convolution", channels, 7, 2, 3, false));
  layers.push_back(layer("stem.relu", "relu"));
  if (!small) {
    layers.push_back(
        layer("stem.pool", "max_pool", {{"kernel", 3.0}, {"stride", 2.0}, {"padding", 1.0}}));
  }
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const Index within = widened(Index{64} << stage, width);
    const Index dst = network.bottleneck ? 4 * within : within;
    for (Index block = 0; block < stages[stage]; ++block) {
      const Index stride = stage > 0 && block == 0 ? 2 : 1;
      const std::string name = fmt::format("stages.{}.{}", stage, block);
      layers.push_back(network.bottleneck ? bottleneck_block(name, channels, dst, stride)
                                          : basic_block(name, channels, dst, stride));
      channels = dst;
    }
  }
  add_neck(model, "pool", 0, src, layers);
  return layers;
}

}  // namespace

std::vector<LayerSpec> read_resnet18(Section model, const Shape& src) {
  return read_deep_resnet(model, src, {{2, 2, 2, 2}, false});
}
std::vector<LayerSpec> read_resnet34(Section model, const Shape& src) {
  return read_deep_resnet(model, src, {{3, 4, 6, 3}, false});
}
std::vector<LayerSpec> read_resnet50(Section model, const Shape& src) {
  return read_deep_resnet(model, src, {{3, 4, 6, 3}, true});
}

}  // namespace kindred
