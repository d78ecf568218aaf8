#include <fmt/format.h>

#include <algorithm>

#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"

namespace kindred {
namespace {

constexpr Index kMostFlattened = 8;  // a side

/// What of the stem, the stages and the pool follows from the picture's size. Stages work on 20 to
/// 40 pixels a side: at 64 x 64 that is a fourth of the operations of the whole picture, where most
/// of them were.
Index stem_stride_for(const Shape& src) {
  const Index side = std::max(src.height, src.width);
  return side <= 40 ? 1 : side <= 80 ? 2 : side <= 160 ? 3 : 4;
}

/// What is left of the picture's longer side behind the stem and the stages.
Index last_side(const Shape& src, Index stem_stride, std::size_t stages) {
  Index side = blocks_of(std::max(src.height, src.width), stem_stride);
  for (std::size_t stage = 1; stage < stages; ++stage) side = blocks_of(side, 2);
  return side;
}

/// Three stages, and more until what is left can be flattened.
std::vector<Index> widths_for(const Shape& src, Index stem_stride) {
  std::vector<Index> widths{32, 48, 64};
  while (last_side(src, stem_stride, widths.size()) > kMostFlattened) {
    widths.push_back(std::min<Index>(2 * widths.back(), 256));
  }
  return widths;
}

}  // namespace

/// A small residual network: a 3x3 stem, stages of basic blocks of which all but the first halve
/// the image, a pool, linear. Source: He et al. 2016, section 4.2 (CIFAR). Where little of the
/// image is left it is flattened: where in the picture something is tells faces and letters apart
/// (Deng et al. 2019, section 3.2.2, "E").
std::vector<LayerSpec> read_resnet(Section model, const Shape& src) {
  // Recipes of before say a stride, and no pool: they mean what they meant.
  const bool before = model.has("stem_stride");
  Index blocks = 1;
  Index stem_stride = stem_stride_for(src);
  std::vector<Index> widths =
      before ? std::vector<Index>{32, 64, 128, 256} : widths_for(src, stem_stride);
  double dropout = 0;
  model.read("widths", widths,
             "channels of each stage; default: as many stages as leave 8 pixels a side or less");
  model.read("blocks", blocks, "residual blocks in each stage", {1, 64});
  model.read(
      "stem_stride", stem_stride,
      "2 halves the image at once; default: 1 up to 40 pixels a side, 2 up to 80, 3 up to 160",
      {1, 4});
  model.read("dropout", dropout, "probability of dropping a number before the last layer",
             {0, 0.99});
  check_count(model, "widths", widths);
  if (widths.empty()) model.fail("widths is empty; a resnet needs at least one stage");
  for (const Index width : widths) {
    if (width < 1 || width > kMostChannels) {
      model.fail(
          fmt::format("widths holds {}; expected values from 1 to {}", width, kMostChannels));
    }
  }
  const bool small = last_side(src, stem_stride, widths.size()) <= kMostFlattened;
  std::string pooling = !before && small ? "flatten" : "average";
  model.read_choice("pooling", pooling, {"average", "flatten"},
                    "what becomes of the last image: its mean, or all of it (default up to 8 x 8)");
  std::vector<LayerSpec> layers;
  add_unit(layers, "stem.", "",
           convolution("stem.convolution", widths[0], 3, stem_stride, 1, false));
  layers.push_back(layer("stem.relu", "relu"));
  Index channels = widths[0];
  for (std::size_t stage = 0; stage < widths.size(); ++stage) {
    for (Index block = 0; block < blocks; ++block) {
      const Index stride = stage > 0 && block == 0 ? 2 : 1;
      layers.push_back(
          basic_block(fmt::format("stages.{}.{}", stage, block), channels, widths[stage], stride));
      channels = widths[stage];
    }
  }
  layers.push_back(pooling == "average" ? layer("pool", "global_average_pool")
                                        : layer("flatten", "flatten"));
  if (dropout > 0) layers.push_back(layer("dropout", "dropout", {{"rate", dropout}}));
  add_embedding(model, layers);
  return layers;
}

}  // namespace kindred
