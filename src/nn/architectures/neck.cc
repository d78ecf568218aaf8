#include "nn/architectures/neck.h"

#include <fmt/format.h>

#include "nn/architectures/architectures.h"
#include "nn/architectures/blocks.h"
#include "nn/contract/registry.h"

namespace kindred {

void add_neck(Section model, std::string neck, double dropout, const Shape& src,
              std::vector<LayerSpec>& layers) {
  model.read_choice("neck", neck, {"pool", "gem", "flatten", "depthwise", "bnneck"},
                    "what makes a vector of the last image");
  Index embedding = 128;
  model.read("embedding", embedding, "numbers of an embedding", {1, 65536});
  const bool normed = neck == "flatten" || neck == "depthwise" || neck == "bnneck";
  if (neck == "pool" || neck == "bnneck") {
    layers.push_back(layer("neck.pool", "global_average_pool"));
  } else if (neck == "gem") {
    layers.push_back(layer("neck.gem", "gem_pool"));
  } else if (neck == "flatten") {
    layers.push_back(layer("neck.norm", "batch_norm"));
    if (dropout > 0) layers.push_back(layer("neck.dropout", "dropout", {{"rate", dropout}}));
    layers.push_back(layer("neck.flatten", "flatten"));
  } else {
    const Shape image = dst_shape(layers, src);
    if (image.height != image.width) {
      model.fail(
          fmt::format("neck = \"depthwise\" takes square images, but the last is {} x {} "
                      "(height x width); take neck = \"pool\" or \"flatten\"",
                      image.height, image.width));
    }
    LayerSpec whole = convolution("neck.convolution", image.channels, image.height, 1, 0, false);
    whole.settings.emplace_back("groups", static_cast<double>(image.channels));
    add_unit(layers, "neck.", "", std::move(whole));
    layers.push_back(layer("neck.flatten", "flatten"));
  }
  if (dropout > 0 && neck != "flatten") {
    layers.push_back(layer("neck.dropout", "dropout", {{"rate", dropout}}));
  }
  layers.push_back(linear("embedding", embedding, !normed));
  if (normed) layers.push_back(layer("embedding.norm", "batch_norm"));
}

}  // namespace kindred
