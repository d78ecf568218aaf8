#include <fmt/format.h>

#include "nn/architectures/architectures.h"

namespace kindred {

/// Hidden layers of linear, batch norm (where asked) and ReLU; a linear layer at the end.
std::vector<LayerSpec> read_mlp(Section model, const Shape& src) {
  std::vector<Index> hidden{512, 512};
  bool batch_norm = true;
  double dropout = 0;
  model.read("hidden", hidden, "numbers of each hidden layer; an empty list for none");
  model.read("batch_norm", batch_norm, "a batch norm after each hidden layer");
  model.read("dropout", dropout, "probability of dropping a hidden number", {0, 0.99});
  check_count(model, "hidden", hidden);
  std::vector<LayerSpec> layers;
  if (src.height != 1 || src.width != 1) layers.push_back(layer("flatten", "flatten"));
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    if (hidden[i] < 1 || hidden[i] > kMostFeatures) {
      model.fail(fmt::format("hidden[{}] = {}: expected a value from 1 to {}", i, hidden[i],
                             kMostFeatures));
    }
    const std::string name = fmt::format("hidden.{}.", i);
    layers.push_back(linear(name + "linear", hidden[i], !batch_norm));
    if (batch_norm) layers.push_back(layer(name + "norm", "batch_norm"));
    layers.push_back(layer(name + "relu", "relu"));
    if (dropout > 0) layers.push_back(layer(name + "dropout", "dropout", {{"rate", dropout}}));
  }
  add_embedding(model, layers);
  return layers;
}

}  // namespace kindred
