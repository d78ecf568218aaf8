#include <fmt/format.h>

#include "nn/architectures/architectures.h"

namespace kindred {

namespace {

/// linear, norm (where asked), carried past by what it reads: relu(norm(W x) + x), with a linear
/// layer on the way past where the numbers differ.
LayerSpec residual_hidden(const std::string& name, Index src, Index features, bool batch_norm) {
  LayerSpec block = layer(name, "residual");
  block.body.push_back(linear(name + ".linear", features, !batch_norm));
  if (batch_norm) block.body.push_back(layer(name + ".norm", "batch_norm"));
  if (src != features) block.shortcut.push_back(linear(name + ".shortcut", features, false));
  return block;
}

}  // namespace

/// Hidden layers of linear, batch norm (where asked) and ReLU; a linear layer at the end.
std::vector<LayerSpec> read_mlp(Section model, const Shape& src) {
  std::vector<Index> hidden{512, 512};
  bool batch_norm = true;
  bool residual = false;
  bool norm_last = false;
  double dropout = 0;
  model.read("hidden", hidden, "numbers of each hidden layer; an empty list for none");
  model.read("batch_norm", batch_norm, "a batch norm after each hidden layer");
  model.read("residual", residual, "what a hidden layer reads is added to what it gives");
  model.read("norm_last", norm_last,
             "a batch norm behind the last layer: each number of an embedding with mean 0 and "
             "variance 1, as features of foundation models seldom are");
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
    if (residual) {
      const Index before = i == 0 ? src.size() : hidden[i - 1];
      layers.push_back(residual_hidden(fmt::format("hidden.{}", i), before, hidden[i], batch_norm));
    } else {
      layers.push_back(linear(name + "linear", hidden[i], !batch_norm));
      if (batch_norm) layers.push_back(layer(name + "norm", "batch_norm"));
      layers.push_back(layer(name + "relu", "relu"));
    }
    if (dropout > 0) layers.push_back(layer(name + "dropout", "dropout", {{"rate", dropout}}));
  }
  add_embedding(model, layers);
  if (norm_last) layers.push_back(layer("embedding.norm", "batch_norm"));
  return layers;
}

}  // namespace kindred
