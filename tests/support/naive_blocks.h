#pragma once
// Layers that are made of layers in plain float64 (naive_layers.h).
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/naive_node.h"

namespace kindred::naive {

class Residual final : public Node {
 public:
  Residual(const LayerSpec& spec, const State* running)
      : Node(spec), body(spec.body, running), shortcut(spec.shortcut, running) {}
  Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) override {
    y = body.forward(x, numbers, margin);
    const Tensor beside = shortcut.forward(x, numbers, margin);
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      y.values[i] += beside.values[i];
      if (!relu) continue;
      margin.see(y.values[i]);
      y.values[i] = std::max(y.values[i], 0.0);
    }
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor g = dy;
    for (std::size_t i = 0; relu && i < g.values.size(); ++i) {
      if (y.values[i] <= 0) g.values[i] = 0;
    }
    Tensor dx = body.backward(g, numbers);
    const Tensor beside = shortcut.backward(g, numbers);
    for (std::size_t i = 0; i < dx.values.size(); ++i) dx.values[i] += beside.values[i];
    return dx;
  }

 private:
  bool relu = setting(spec_, "relu", 1) != 0;
  Network body, shortcut;
  Tensor y;
};

class Concatenate final : public Node {
 public:
  Concatenate(const LayerSpec& spec, const State* running) : Node(spec) {
    for (const auto& layers : spec.branches) branches.emplace_back(layers, running);
  }
  Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) override {
    x_ = x;
    dst.clear();
    Shape shape;
    for (Network& branch : branches) {
      dst.push_back(branch.forward(x, numbers, margin));
      shape = {shape.channels + dst.back().shape.channels, dst.back().shape.height,
               dst.back().shape.width};
    }
    Tensor y(x.S, shape);
    for_all(y, [](double& whole, double& part) { whole = part; });
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor whole = dy;
    for_all(whole, [](double& of, double& part) { part = of; });
    Tensor dx(x_.S, x_.shape);
    for (std::size_t i = 0; i < branches.size(); ++i) {
      const Tensor of = branches[i].backward(dst[i], numbers);
      for (std::size_t j = 0; j < dx.values.size(); ++j) dx.values[j] += of.values[j];
    }
    return dx;
  }

 private:
  /// body(number of y, that number in its branch's dst)
  template <typename F>
  void for_all(Tensor& y, F&& body) {
    Index first = 0;
    for (Tensor& part : dst) {
      const Shape& shape = part.shape;
      for (Index n = 0; n < y.S; ++n) {
        for (Index c = 0; c < shape.channels; ++c) {
          for (Index h = 0; h < shape.height; ++h) {
            for (Index w = 0; w < shape.width; ++w) body(y(n, first + c, h, w), part(n, c, h, w));
          }
        }
      }
      first += shape.channels;
    }
  }
  std::vector<Network> branches;
  std::vector<Tensor> dst;
};

/// x times a gate for each channel, of the means of all.
class SqueezeExcite final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) override {
    x_ = x;
    const auto linear = [&](const char* part, Index features) {
      return LayerSpec{
          "linear", spec_.name + part, {{"features", static_cast<double>(features)}}, {}, {}};
    };
    inner = Network({LayerSpec{"global_average_pool", "", {}, {}, {}},
                     linear(".squeeze", index_setting(spec_, "channels", 16)),
                     LayerSpec{"relu", "", {}, {}, {}}, linear(".excite", x.shape.channels)});
    e = inner.forward(x, numbers, margin);
    Tensor y = x;
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      const double at = e.values[channel(i)];
      if (hard) {
        margin.see(at - 3);
        margin.see(at + 3);
      }
      y.values[i] *= gate(at);
    }
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor de(e.S, e.shape);
    for (std::size_t i = 0; i < dy.values.size(); ++i) {
      const double at = e.values[channel(i)];
      const double g = gate(at);
      const double slope = hard ? (at > -3 && at < 3 ? 1.0 / 6 : 0) : g * (1 - g);
      de.values[channel(i)] += dy.values[i] * x_.values[i] * slope;
    }
    Tensor dx = inner.backward(de, numbers);
    for (std::size_t i = 0; i < dx.values.size(); ++i) {
      dx.values[i] += dy.values[i] * gate(e.values[channel(i)]);
    }
    return dx;
  }

 private:
  /// Of all samples' channels.
  std::size_t channel(std::size_t i) const {
    return i / static_cast<std::size_t>(x_.shape.height * x_.shape.width);
  }
  double gate(double at) const {
    return hard ? std::clamp(at + 3, 0.0, 6.0) / 6 : 1 / (1 + std::exp(-at));
  }
  bool hard = setting(spec_, "hard", 0) != 0;
  Network inner{std::vector<LayerSpec>()};
  Tensor e;
};

}  // namespace kindred::naive
