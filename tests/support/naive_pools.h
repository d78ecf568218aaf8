#pragma once
// Pools in plain float64 (naive_layers.h).
#include <algorithm>
#include <cmath>
#include <vector>

#include "support/naive_node.h"

namespace kindred::naive {

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

/// y = (mean of v^p)^(1/p), v = max(x, epsilon)
class GemPool final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers& numbers, Margin& margin) override {
    x_ = x;
    Tensor y(x.S, {x.shape.channels, 1, 1});
    const double p = *numbers.parameter(spec_.name + ".power");
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      for_pixels(i, [&](std::size_t at) {
        margin.see(x.values[at] - epsilon);
        y.values[i] += std::pow(std::max(x.values[at], epsilon), p) / N();
      });
      y.values[i] = std::pow(y.values[i], 1 / p);
    }
    y_ = y;
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor dx(x_.S, x_.shape);
    const double p = *numbers.parameter(spec_.name + ".power");
    double* dpower = numbers.diff(spec_.name + ".power");
    for (std::size_t i = 0; i < dy.values.size(); ++i) {
      double mean = 0;
      double logs = 0;
      for_pixels(i, [&](std::size_t at) {
        const double v = std::max(x_.values[at], epsilon);
        mean += std::pow(v, p) / N();
        logs += std::pow(v, p) * std::log(v) / N();
        const double slope = std::pow(y_.values[i], 1 - p) * std::pow(v, p - 1) / N();
        dx.values[at] = x_.values[at] < epsilon ? 0 : dy.values[i] * slope;
      });
      *dpower += dy.values[i] * y_.values[i] * (logs / mean / p - std::log(mean) / (p * p));
    }
    return dx;
  }

 private:
  double N() const { return static_cast<double>(x_.shape.height * x_.shape.width); }
  template <typename F>
  void for_pixels(std::size_t i, F&& body) const {
    const auto pixels = static_cast<std::size_t>(x_.shape.height * x_.shape.width);
    for (std::size_t at = i * pixels; at < (i + 1) * pixels; ++at) body(at);
  }
  double epsilon = setting(spec_, "epsilon", 1e-6);
  Tensor y_;
};

}  // namespace kindred::naive
