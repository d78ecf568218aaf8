#pragma once
// Norms in plain float64 (naive_layers.h).
#include <cmath>
#include <vector>

#include "support/naive_node.h"

namespace kindred::naive {

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
        const double term = dy.values[i] * (x_.values[i] - mean[at]) * inverse[at];
        sum += dy.values[i];
        product += term;
        numbers.squares_of(spec_.name + ".scale")[c] += term * term;
        numbers.squares_of(spec_.name + ".shift")[c] += dy.values[i] * dy.values[i];
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

/// instance_norm and layer_norm: numbers that lie side by side are normalised together, those of
/// one channel of one sample or those of one sample.
class OwnNorm final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers& numbers, Margin&) override {
    x_ = x;
    Tensor y(x.S, x.shape);
    for_groups(numbers, [&](std::size_t first, std::size_t size) {
      const auto [mean, inverse] = measure(first, size);
      for (std::size_t i = first; i < first + size; ++i) {
        const std::size_t c = channel(i);
        y.values[i] = (x.values[i] - mean) * inverse * scale_[c] + shift_[c];
      }
    });
    return y;
  }
  Tensor backward(const Tensor& dy, Numbers& numbers) override {
    Tensor dx(x_.S, x_.shape);
    double* dscale = numbers.diff(spec_.name + ".scale");
    double* dshift = numbers.diff(spec_.name + ".shift");
    for_groups(numbers, [&](std::size_t first, std::size_t size) {
      const auto [mean, inverse] = measure(first, size);
      double sum = 0;
      double product = 0;
      for (std::size_t i = first; i < first + size; ++i) {
        const double normal = (x_.values[i] - mean) * inverse;
        dscale[channel(i)] += dy.values[i] * normal;
        dshift[channel(i)] += dy.values[i];
        sum += dy.values[i] * scale_[channel(i)];
        product += dy.values[i] * scale_[channel(i)] * normal;
      }
      const double N = static_cast<double>(size);
      for (std::size_t i = first; i < first + size; ++i) {
        const double normal = (x_.values[i] - mean) * inverse;
        dx.values[i] =
            inverse * (dy.values[i] * scale_[channel(i)] - sum / N - normal * product / N);
      }
    });
    return dx;
  }

 private:
  struct Moments {
    double mean;
    double inverse;
  };
  template <typename F>
  void for_groups(Numbers& numbers, F&& body) {
    scale_ = numbers.parameter(spec_.name + ".scale");
    shift_ = numbers.parameter(spec_.name + ".shift");
    const Index pixels = x_.shape.height * x_.shape.width;
    const Index size = spec_.kind == "layer_norm" ? x_.shape.size() : pixels;
    for (std::size_t i = 0; i < x_.values.size(); i += static_cast<std::size_t>(size)) {
      body(i, static_cast<std::size_t>(size));
    }
  }
  std::size_t channel(std::size_t i) const {
    const auto pixels = static_cast<std::size_t>(x_.shape.height * x_.shape.width);
    return i / pixels % static_cast<std::size_t>(x_.shape.channels);
  }
  Moments measure(std::size_t first, std::size_t size) const {
    const double N = static_cast<double>(size);
    double mean = 0;
    for (std::size_t i = first; i < first + size; ++i) mean += x_.values[i] / N;
    double variance = 0;
    for (std::size_t i = first; i < first + size; ++i) {
      variance += std::pow(x_.values[i] - mean, 2) / N;
    }
    return {mean, 1 / std::sqrt(variance + setting(spec_, "epsilon", 1e-5))};
  }
  const double* scale_ = nullptr;
  const double* shift_ = nullptr;
};

class L2Normalize final : public Node {
 public:
  using Node::Node;
  Tensor forward(const Tensor& x, Numbers&, Margin&) override {
    x_ = x;
    y_ = x;
    for_rows([&](Index n, Index C, double length) {
      for (Index c = 0; c < C; ++c) y_(n, c, 0, 0) = length == 0 ? 0 : x(n, c, 0, 0) / length;
    });
    return y_;
  }
  Tensor backward(const Tensor& dy, Numbers&) override {
    Tensor dx(x_.S, x_.shape);
    for_rows([&](Index n, Index C, double length) {
      double along = 0;
      for (Index c = 0; c < C; ++c) along += dy(n, c, 0, 0) * y_(n, c, 0, 0);
      for (Index c = 0; c < C && length > 0; ++c) {
        dx(n, c, 0, 0) = (dy(n, c, 0, 0) - y_(n, c, 0, 0) * along) / length;
      }
    });
    return dx;
  }

 private:
  template <typename F>
  void for_rows(F&& body) const {
    for (Index n = 0; n < x_.S; ++n) {
      double squares = 0;
      for (Index c = 0; c < x_.shape.channels; ++c) squares += std::pow(x_(n, c, 0, 0), 2);
      body(n, x_.shape.channels, std::sqrt(squares));
    }
  }
  Tensor y_;
};

}  // namespace kindred::naive
