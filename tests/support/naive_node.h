#pragma once
// One layer of the naive networks (naive_layers.h), and chains of them.
#include <memory>
#include <string>
#include <vector>

#include "kindred/nn/architecture.h"
#include "support/naive_tensor.h"

namespace kindred::naive {

inline double setting(const LayerSpec& spec, const std::string& key, double fallback) {
  for (const auto& [name, value] : spec.settings) {
    if (name == key) return value;
  }
  return fallback;
}
inline Index index_setting(const LayerSpec& spec, const std::string& key, Index fallback) {
  return static_cast<Index>(setting(spec, key, static_cast<double>(fallback)));
}

/// One layer; forward keeps what backward needs.
class Node {
 public:
  explicit Node(const LayerSpec& spec) : spec_(spec) {}
  virtual ~Node() = default;
  virtual Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) = 0;
  virtual Tensor backward(const Tensor& dy, Numbers& numbers) = 0;

 protected:
  LayerSpec spec_;
  Tensor x_;
};

/// Layers one after the other. With a State, batch norms use its running statistics (inference).
class Network {
 public:
  explicit Network(const std::vector<LayerSpec>& layers, const State* running = nullptr);
  Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) {
    Tensor at = x;
    for (auto& node : nodes_) {
      at = node->forward(at, numbers, margin);
      if (!numbers.in_bfloat16) continue;
      for (double& value : at.values) value = as_bfloat16(value);
    }
    return at;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) {
    Tensor at = dy;
    for (std::size_t i = nodes_.size(); i-- > 0;) at = nodes_[i]->backward(at, numbers);
    return at;
  }

 private:
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace kindred::naive
