#include <fmt/format.h>

#include <algorithm>

#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"

namespace kindred {
namespace {

constexpr Index kMostFlattened = 8;  // a side
constexpr Index kMostUnpooled = 40;  // a side

Index longer_side(const Shape& src) { return std::max(src.height, src.width); }

/// What halves the image from stage to stage.
enum class Downsample { kStride, kPool };

/// What the stem's convolution takes away. With pools it works on 41 to 80 pixels a side, which the
/// pool behind it halves; without them the first stage gets 20 to 40 pixels.
Index stem_stride_for(const Shape& src, Downsample downsample) {
  const Index side = longer_side(src);
  if (downsample == Downsample::kPool) return side <= 80 ? 1 : side <= 160 ? 2 : 4;
  return side <= kMostUnpooled ? 1 : side <= 80 ? 2 : side <= 160 ? 3 : 4;
}

/// What is left of `side` pixels behind the stem and the stages.
Index last_side(Index side, Downsample downsample, Index stem_stride, std::size_t stages) {
  side = blocks_of(side, stem_stride);
  if (downsample == Downsample::kPool) return side >> (stages + 1);
  for (std::size_t stage = 1; stage < stages; ++stage) side = blocks_of(side, 2);
  return side;
}

/// Three stages, and more until what is left can be flattened.
std::vector<Index> widths_for(const Shape& src, Downsample downsample, Index stem_stride) {
  std::vector<Index> widths = downsample == Downsample::kPool ? std::vector<Index>{48, 64, 96}
                                                              : std::vector<Index>{32, 48, 64};
  while (last_side(longer_side(src), downsample, stem_stride, widths.size()) > kMostFlattened) {
    widths.push_back(std::min<Index>(2 * widths.back(), 256));
  }
  return widths;
}

/// Pools, where the picture is large enough for them. LFW's people at 64 x 64, half of them held
/// out, three minutes on two cores: map@r 0.353 with pools, 0.313 with strides (conv4: 0.348).
Downsample downsample_for(const Shape& src) {
  if (longer_side(src) <= kMostUnpooled) return Downsample::kStride;
  const Index stem_stride = stem_stride_for(src, Downsample::kPool);
  const std::size_t stages = widths_for(src, Downsample::kPool, stem_stride).size();
  const Index left =
      last_side(std::min(src.height, src.width), Downsample::kPool, stem_stride, stages);
  return left > 0 ? Downsample::kPool : Downsample::kStride;
}

}  // namespace

/// A small residual network: a 3x3 stem, stages of basic blocks, the last image flattened or
/// pooled, linear. The image is halved by max pools behind the stem and each stage, or by the first
/// block of each stage but the first. Source: He et al. 2016, section 4.2 (CIFAR). Where little of
/// the image is left it is flattened: where in the picture something is tells faces and letters
/// apart (Deng et al. 2019, section 3.2.2, "E").
std::vector<LayerSpec> read_resnet(Section model, const Shape& src) {
  // Older recipes say a stride and nothing of how stages halve, the oldest no pooling either: they
  // mean what they meant.
  const bool strides_known = model.has("stem_stride");
  const bool oldest = strides_known && !model.has("pooling") && !model.has("downsample");
  Downsample downsample = strides_known ? Downsample::kStride : downsample_for(src);
  std::string downsample_name = downsample == Downsample::kPool ? "pool" : "stride";
  model.read_choice("downsample", downsample_name, {"pool", "stride"},
                    "what halves the image: a max pool behind the stem and each stage (default "
                    "above 40 pixels a side), or strides of stages");
  downsample = downsample_name == "pool" ? Downsample::kPool : Downsample::kStride;
  Index stem_stride = stem_stride_for(src, downsample);
  model.read("stem_stride", stem_stride,
             "of the stem's convolution; default with pools: 1 up to 80 pixels a side, 2 up to "
             "160, then 4; without: 1 up to 40, 2 up to 80, 3 up to 160, then 4",
             {1, 4});
  std::vector<Index> widths =
      oldest ? std::vector<Index>{32, 64, 128, 256} : widths_for(src, downsample, stem_stride);
  const bool own_widths = model.has("widths");
  model.read("widths", widths,
             "channels of each stage; default: as many stages as leave 8 pixels a side or less");
  check_count(model, "widths", widths);
  if (widths.empty()) model.fail("widths is empty; a resnet needs at least one stage");
  for (const Index width : widths) {
    if (width < 1 || width > kMostChannels) {
      model.fail(
          fmt::format("widths holds {}; expected values from 1 to {}", width, kMostChannels));
    }
  }
  Index stem_width = own_widths ? widths.front() : 32;
  model.read("stem_width", stem_width, "channels of the stem; default: widths' first, or 32",
             {1, static_cast<double>(kMostChannels)});
  Index blocks = 1;
  model.read("blocks", blocks, "residual blocks in each stage", {1, 64});
  double dropout = 0;
  model.read("dropout", dropout, "probability of dropping a number before the last layer",
             {0, 0.99});
  const Index left = last_side(longer_side(src), downsample, stem_stride, widths.size());
  std::string pooling = !oldest && left <= kMostFlattened ? "flatten" : "average";
  model.read_choice("pooling", pooling, {"average", "flatten"},
                    "what becomes of the last image: its mean, or all of it (default up to 8 x 8)");
  std::vector<LayerSpec> layers;
  const auto add_pool = [&](std::string name) {
    if (downsample == Downsample::kPool) layers.push_back(layer(std::move(name), "max_pool"));
  };
  add_unit(layers, "stem.", "",
           convolution("stem.convolution", stem_width, 3, stem_stride, 1, false));
  layers.push_back(layer("stem.relu", "relu"));
  add_pool("stem.pool");
  Index channels = stem_width;
  for (std::size_t stage = 0; stage < widths.size(); ++stage) {
    for (Index block = 0; block < blocks; ++block) {
      const bool halves = downsample == Downsample::kStride && stage > 0 && block == 0;
      layers.push_back(basic_block(fmt::format("stages.{}.{}", stage, block), channels,
                                   widths[stage], halves ? 2 : 1));
      channels = widths[stage];
    }
    add_pool(fmt::format("stages.{}.pool", stage));
  }
  layers.push_back(pooling == "average" ? layer("pool", "global_average_pool")
                                        : layer("flatten", "flatten"));
  if (dropout > 0) layers.push_back(layer("dropout", "dropout", {{"rate", dropout}}));
  add_embedding(model, layers);
  return layers;
}

}  // namespace kindred
