#include <fmt/format.h>

#include <algorithm>

#include "nn/architectures/architectures.h"

namespace kindred {

/// Four blocks of 3x3 convolution, batch norm, ReLU and 2x2 max pool; flatten; linear.
/// Source: Vinyals et al. 2016, "Matching networks"; Snell et al. 2017, "Prototypical networks".
std::vector<LayerSpec> read_conv4(Section model, const Shape&) {
  Index width = 64;
  bool pool_last = false;
  double dropout = 0;
  model.read("width", width, "channels of each block", {1, 4096});
  std::vector<Index> widths(4, width);
  model.read("widths", widths, "channels block by block, where they differ");
  if (widths.size() != 4 || *std::min_element(widths.begin(), widths.end()) < 1 ||
      *std::max_element(widths.begin(), widths.end()) > 4096) {
    model.fail("widths: expected four numbers from 1 to 4096, one for each block");
  }
  model.read("pool_last", pool_last, "a max pool in the fourth block, as in the first three");
  model.read("dropout", dropout, "probability of dropping a number before the last layer",
             {0, 0.99});
  std::vector<LayerSpec> layers;
  for (std::size_t block = 0; block < 4; ++block) {
    const std::string name = fmt::format("blocks.{}.", block);
    layers.push_back(convolution(name + "convolution", widths[block], 3, 1, 1, false));
    layers.push_back(layer(name + "norm", "batch_norm"));
    layers.push_back(layer(name + "relu", "relu"));
    if (block < 3 || pool_last) layers.push_back(layer(name + "pool", "max_pool"));
  }
  if (dropout > 0) layers.push_back(layer("dropout", "dropout", {{"rate", dropout}}));
  layers.push_back(layer("flatten", "flatten"));
  add_embedding(model, layers);
  return layers;
}

}  // namespace kindred
