#pragma once
// The layers of a network in plain float64 loops, forward next to backward: the oracle that the
// compiled layers are tested against. Nothing is fused; tensors are [S, C, H, W].
#include <algorithm>
#include <cmath>
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
    for (auto& node : nodes_) at = node->forward(at, numbers, margin);
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

class Convolution final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers& numbers, Margin&) override {
    x_ = x;
    Tensor y(x.S, {O, extent(x.shape.height), extent(x.shape.width)});
    const double* bias = numbers.parameter(spec_.name + ".bias");
    for (Index n = 0; n < x.S && bias != nullptr; ++n) {
      for (Index o = 0; o < O; ++o) {
        const auto first = y.values.begin() + static_cast<std::ptrdiff_t>(y.place(n, o, 0, 0));
        std::fill(first, first + y.shape.height * y.shape.width, bias[o]);
      }
    }
    const double* weights = numbers.parameter(spec_.name + ".weights");
    for_taps(y.shape, [&](std::size_t at_x, std::size_t at_y, Index at_w, Index count) {
      for (Index i = 0; i < count; ++i) {
        y.values[at_y + static_cast<std::size_t>(i)] +=
            weights[at_w] * x.values[at_x + static_cast<std::size_t>(i * stride)];
      }
    });
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor dx(x_.S, x_.shape);
    const double* weights = numbers.parameter(spec_.name + ".weights");
    double* diff_weights = numbers.diff(spec_.name + ".weights");
    for_taps(dy.shape, [&](std::size_t at_x, std::size_t at_y, Index at_w, Index count) {
      double sum = 0;
      for (Index i = 0; i < count; ++i) {
        const double g = dy.values[at_y + static_cast<std::size_t>(i)];
        sum += g * x_.values[at_x + static_cast<std::size_t>(i * stride)];
        dx.values[at_x + static_cast<std::size_t>(i * stride)] += g * weights[at_w];
      }
      diff_weights[at_w] += sum;
    });
    if (double* diff_bias = numbers.diff(spec_.name + ".bias"); diff_bias != nullptr) {
      const auto pixels = static_cast<std::size_t>(dy.shape.height * dy.shape.width);
      for (std::size_t i = 0; i < dy.values.size(); ++i) {
        diff_bias[i / pixels % static_cast<std::size_t>(O)] += dy.values[i];
      }
    }
    return dx;
  }

 private:
  Index extent(Index n) const { return (n + 2 * padding - (K - 1) * dilation - 1) / stride + 1; }
  /// body(x element, y element, weight, run length) for rows of pixels that meet one weight.
  template <typename F>
  void for_taps(const Shape& y, F&& body) const {
    const Index C = x_.shape.channels / groups;
    for (Index n = 0; n < x_.S; ++n) {
      for (Index o = 0; o < O; ++o) {
        for (Index tap = 0; tap < C * K * K; ++tap) {
          const Index c = o / (O / groups) * C + tap / (K * K);
          const Index kh = tap / K % K * dilation;
          const Index kw = tap % K * dilation;
          Index first = 0;  // output columns whose tap lies inside the image
          while (first * stride + kw - padding < 0) ++first;
          Index end = y.width;
          while (end > first && (end - 1) * stride + kw - padding >= x_.shape.width) --end;
          for (Index oh = 0; oh < y.height && end > first; ++oh) {
            const Index h = oh * stride + kh - padding;
            if (h < 0 || h >= x_.shape.height) continue;
            const Index at_y = ((n * O + o) * y.height + oh) * y.width + first;
            body(x_.place(n, c, h, first * stride + kw - padding), static_cast<std::size_t>(at_y),
                 o * C * K * K + tap, end - first);
          }
        }
      }
    }
  }
  Index O = index_setting(spec_, "channels", 64);
  Index K = index_setting(spec_, "kernel", 3);
  Index stride = index_setting(spec_, "stride", 1);
  Index padding = index_setting(spec_, "padding", 1);
  Index dilation = index_setting(spec_, "dilation", 1);
  Index groups = index_setting(spec_, "groups", 1);
};

class Linear final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers& numbers, Margin&) override {
    x_ = x;
    const Index O = index_setting(spec_, "features", 128);
    Tensor y(x.S, {O, 1, 1});
    const double* weights = numbers.parameter(spec_.name + ".weights");
    const double* bias = numbers.parameter(spec_.name + ".bias");
    for (Index n = 0; n < x.S; ++n) {
      for (Index o = 0; o < O; ++o) {
        double sum = bias == nullptr ? 0 : bias[o];
        for (Index i = 0; i < x.shape.channels; ++i) {
          sum += weights[o * x.shape.channels + i] * x(n, i, 0, 0);
        }
        y(n, o, 0, 0) = sum;
      }
    }
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor dx(x_.S, x_.shape);
    const double* weights = numbers.parameter(spec_.name + ".weights");
    double* diff_weights = numbers.diff(spec_.name + ".weights");
    double* diff_bias = numbers.diff(spec_.name + ".bias");
    for (Index n = 0; n < dy.S; ++n) {
      for (Index o = 0; o < dy.shape.channels; ++o) {
        const double g = dy(n, o, 0, 0);
        if (diff_bias != nullptr) diff_bias[o] += g;
        for (Index i = 0; i < x_.shape.channels; ++i) {
          diff_weights[o * x_.shape.channels + i] += g * x_(n, i, 0, 0);
          dx(n, i, 0, 0) += g * weights[o * x_.shape.channels + i];
        }
      }
    }
    return dx;
  }
};

class BatchNorm final : public Node {
 public:
  BatchNorm(const LayerSpec& spec, const State* running) : Node(spec), running_(running) {}
  Tensor forward(const Tensor& x, Numbers& numbers, Margin&) override {
    x_ = x;
    Tensor y(x.S, x.shape);
    const double* scale = numbers.parameter(spec_.name + ".scale");
    const double* shift = numbers.parameter(spec_.name + ".shift");
    mean.assign(static_cast<std::size_t>(x.shape.channels), 0);
    inverse.assign(mean.size(), 0);
    for (Index c = 0; c < x.shape.channels; ++c) {
      const auto at = static_cast<std::size_t>(c);
      double variance = 0;
      if (running_ != nullptr) {
        mean[at] = running_->find(spec_.name + ".running_mean")->as<float>()[at];
        variance = running_->find(spec_.name + ".running_variance")->as<float>()[at];
      } else {
        for_channel(c, [&](std::size_t i) { mean[at] += x.values[i] / N(); });
        for_channel(c,
                    [&](std::size_t i) { variance += std::pow(x.values[i] - mean[at], 2) / N(); });
      }
      inverse[at] = 1 / std::sqrt(variance + setting(spec_, "epsilon", 1e-5));
      for_channel(c, [&](std::size_t i) {
        y.values[i] = (x.values[i] - mean[at]) * inverse[at] * scale[c] + shift[c];
      });
    }
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor dx(x_.S, x_.shape);
    const double* scale = numbers.parameter(spec_.name + ".scale");
    for (Index c = 0; c < x_.shape.channels; ++c) {
      const auto at = static_cast<std::size_t>(c);
      double sum = 0;
      double product = 0;
      for_channel(c, [&](std::size_t i) {
        sum += dy.values[i];
        product += dy.values[i] * (x_.values[i] - mean[at]) * inverse[at];
      });
      numbers.diff(spec_.name + ".scale")[c] += product;
      numbers.diff(spec_.name + ".shift")[c] += sum;
      for_channel(c, [&](std::size_t i) {
        const double normal = (x_.values[i] - mean[at]) * inverse[at];
        dx.values[i] = scale[c] * inverse[at] * (dy.values[i] - sum / N() - normal * product / N());
      });
    }
    return dx;
  }

 private:
  double N() const { return static_cast<double>(x_.S * x_.shape.height * x_.shape.width); }
  template <typename F>
  void for_channel(Index c, F&& body) const {
    for (Index n = 0; n < x_.S; ++n) {
      const std::size_t first = x_.place(n, c, 0, 0);
      for (Index i = 0; i < x_.shape.height * x_.shape.width; ++i) {
        body(first + static_cast<std::size_t>(i));
      }
    }
  }
  const State* running_;
  std::vector<double> mean, inverse;
};

class Relu final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers&, Margin& margin) override {
    x_ = x;
    Tensor y = x;
    for (double& value : y.values) {
      margin.see(value);
      value = std::max(value, 0.0);
    }
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers&) override {
    Tensor dx = dy;
    for (std::size_t i = 0; i < dx.values.size(); ++i) {
      if (x_.values[i] <= 0) dx.values[i] = 0;
    }
    return dx;
  }
};

class Pool final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers&, Margin& margin) override {
    x_ = x;
    const bool global = spec_.kind == "global_average_pool";
    const auto extent = [&](Index n) { return global ? 1 : (n + 2 * padding - K) / stride + 1; };
    Tensor y(x.S, {x.shape.channels, extent(x.shape.height), extent(x.shape.width)});
    winners.assign(y.values.size(), 0);
    for_windows(y.shape, [&](std::size_t to, const std::vector<std::size_t>& window) {
      double sum = 0;
      std::size_t best = window[0];
      for (const std::size_t at : window) {
        sum += x.values[at];
        if (x.values[at] > x.values[best]) best = at;
      }
      for (const std::size_t at : window) {
        if (largest() && at != best) margin.see(x.values[best] - x.values[at]);
      }
      winners[to] = best;
      y.values[to] = largest() ? x.values[best] : sum / static_cast<double>(window.size());
    });
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers&) override {
    Tensor dx(x_.S, x_.shape);
    for_windows(dy.shape, [&](std::size_t to, const std::vector<std::size_t>& window) {
      if (largest()) {
        dx.values[winners[to]] += dy.values[to];
        return;
      }
      for (const std::size_t at : window) {
        dx.values[at] += dy.values[to] / static_cast<double>(window.size());
      }
    });
    return dx;
  }

 private:
  bool largest() const { return spec_.kind == "max_pool"; }
  template <typename F>
  void for_windows(const Shape& y, F&& body) const {
    const bool global = spec_.kind == "global_average_pool";
    std::vector<std::size_t> window;
    std::size_t to = 0;
    for (Index n = 0; n < x_.S; ++n) {
      for (Index c = 0; c < y.channels; ++c) {
        for (Index oh = 0; oh < y.height; ++oh) {
          for (Index ow = 0; ow < y.width; ++ow) {
            window.clear();
            for (Index h = 0; h < x_.shape.height; ++h) {
              for (Index w = 0; w < x_.shape.width; ++w) {
                const Index top = oh * stride - padding;
                const Index left = ow * stride - padding;
                const bool inside = h >= top && h < top + K && w >= left && w < left + K;
                if (global || inside) window.push_back(x_.place(n, c, h, w));
              }
            }
            body(to++, window);
          }
        }
      }
    }
  }
  Index K = index_setting(spec_, "kernel", 2);
  Index stride = index_setting(spec_, "stride", 2);
  Index padding = index_setting(spec_, "padding", 0);
  std::vector<std::size_t> winners;
};

/// Flatten, and what inference leaves out: the same numbers in another shape.
class Reshape final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers&, Margin&) override {
    x_ = x;
    Tensor y = x;
    if (spec_.kind == "flatten") y.shape = {x.shape.size(), 1, 1};
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers&) override {
    Tensor dx = dy;
    dx.shape = x_.shape;
    return dx;
  }
};

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

inline Network::Network(const std::vector<LayerSpec>& layers, const State* running) {
  for (const LayerSpec& spec : layers) {
    if (spec.kind == "convolution") {
      nodes_.push_back(std::make_unique<Convolution>(spec));
    } else if (spec.kind == "linear") {
      nodes_.push_back(std::make_unique<Linear>(spec));
    } else if (spec.kind == "batch_norm") {
      nodes_.push_back(std::make_unique<BatchNorm>(spec, running));
    } else if (spec.kind == "relu") {
      nodes_.push_back(std::make_unique<Relu>(spec));
    } else if (spec.kind.ends_with("pool")) {
      nodes_.push_back(std::make_unique<Pool>(spec));
    } else if (spec.kind == "residual") {
      nodes_.push_back(std::make_unique<Residual>(spec, running));
    } else {
      nodes_.push_back(std::make_unique<Reshape>(spec));
    }
  }
}

}  // namespace kindred::naive
