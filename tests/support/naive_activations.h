#pragma once
// Activations in plain float64: their formulas, and as layers (naive_layers.h).
#include <algorithm>
#include <cmath>

#include "nn/contract/fuse.h"
#include "support/naive_node.h"

namespace kindred::naive {

/// f(x)
inline double activated(ActivationKind kind, double x, double slope = 0) {
  const auto relu6 = [](double value) { return std::min(std::max(value, 0.0), 6.0); };
  switch (kind) {
    case ActivationKind::none: return x;
    case ActivationKind::relu: return std::max(x, 0.0);
    case ActivationKind::relu6: return relu6(x);
    case ActivationKind::prelu: return x > 0 ? x : slope * x;
    case ActivationKind::hard_swish: return x * relu6(x + 3) / 6;
    case ActivationKind::swish: return x / (1 + std::exp(-x));
  }
  return x;
}

/// f'(x)
inline double slope_of(ActivationKind kind, double x, double slope = 0) {
  const double sigmoid = 1 / (1 + std::exp(-x));
  switch (kind) {
    case ActivationKind::none: return 1;
    case ActivationKind::relu: return x > 0 ? 1 : 0;
    case ActivationKind::relu6: return x > 0 && x < 6 ? 1 : 0;
    case ActivationKind::prelu: return x > 0 ? 1 : slope;
    case ActivationKind::hard_swish: return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5;
    case ActivationKind::swish: return sigmoid * (1 + x * (1 - sigmoid));
  }
  return 1;
}

/// How far x is from where f' jumps.
inline void see_bends(ActivationKind kind, double x, Margin& margin) {
  if (kind == ActivationKind::relu || kind == ActivationKind::relu6 ||
      kind == ActivationKind::prelu) {
    margin.see(x);
  }
  if (kind == ActivationKind::relu6) margin.see(x - 6);
}

class Activated final : public Node {
 public:
  explicit Activated(const LayerSpec& spec) : Node(spec), kind_(activation_of(spec).kind) {}
  Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) override {
    x_ = x;
    slopes_ = numbers.parameter(spec_.name + ".slope");
    Tensor y = x;
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      see_bends(kind_, x.values[i], margin);
      y.values[i] = activated(kind_, x.values[i], slope(i));
    }
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor dx = dy;
    double* dslopes = numbers.diff(spec_.name + ".slope");
    for (std::size_t i = 0; i < dx.values.size(); ++i) {
      dx.values[i] *= slope_of(kind_, x_.values[i], slope(i));
      if (dslopes != nullptr) dslopes[channel(i)] += dy.values[i] * std::min(x_.values[i], 0.0);
    }
    return dx;
  }

 private:
  std::size_t channel(std::size_t i) const {
    const auto pixels = static_cast<std::size_t>(x_.shape.height * x_.shape.width);
    return i / pixels % static_cast<std::size_t>(x_.shape.channels);
  }
  double slope(std::size_t i) const { return slopes_ == nullptr ? 0 : slopes_[channel(i)]; }

  ActivationKind kind_;
  const double* slopes_ = nullptr;
};

}  // namespace kindred::naive
