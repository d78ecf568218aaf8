#pragma once
// The layers of a network in plain float64 loops, forward next to backward: the oracle that the
// compiled layers are tested against. Nothing is fused; tensors are [S, C, H, W].
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "support/naive_activations.h"
#include "support/naive_blocks.h"
#include "support/naive_norms.h"
#include "support/naive_pools.h"

namespace kindred::naive {

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

inline Network::Network(const std::vector<LayerSpec>& layers, const State* running) {
  for (const LayerSpec& spec : layers) {
    if (spec.kind == "convolution") {
      nodes_.push_back(std::make_unique<Convolution>(spec));
    } else if (spec.kind == "linear") {
      nodes_.push_back(std::make_unique<Linear>(spec));
    } else if (spec.kind == "batch_norm") {
      nodes_.push_back(std::make_unique<BatchNorm>(spec, running));
    } else if (spec.kind == "instance_norm" || spec.kind == "layer_norm") {
      nodes_.push_back(std::make_unique<OwnNorm>(spec));
    } else if (spec.kind == "l2_normalize") {
      nodes_.push_back(std::make_unique<L2Normalize>(spec));
    } else if (activation_of(spec)) {
      nodes_.push_back(std::make_unique<Activated>(spec));
    } else if (spec.kind == "gem_pool") {
      nodes_.push_back(std::make_unique<GemPool>(spec));
    } else if (spec.kind.ends_with("pool")) {
      nodes_.push_back(std::make_unique<Pool>(spec));
    } else if (spec.kind == "residual") {
      nodes_.push_back(std::make_unique<Residual>(spec, running));
    } else if (spec.kind == "concatenate") {
      nodes_.push_back(std::make_unique<Concatenate>(spec, running));
    } else if (spec.kind == "squeeze_excite") {
      nodes_.push_back(std::make_unique<SqueezeExcite>(spec));
    } else {
      nodes_.push_back(std::make_unique<Reshape>(spec));
    }
  }
}

}  // namespace kindred::naive
