#pragma once
// What the naive layers (naive_layers.h) compute with.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kindred/core/parameters.h"
#include "kindred/core/shape.h"

namespace kindred::naive {

/// The nearest number with eight bits, ties to even: bfloat16's, but for its range.
inline double as_bfloat16(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
}

struct Tensor {
  Index S = 0;
  Shape shape;
  std::vector<double> values;

  Tensor() = default;
  Tensor(Index samples, const Shape& of)
      : S(samples), shape(of), values(static_cast<std::size_t>(samples * of.size())) {}
  std::size_t place(Index n, Index c, Index h, Index w) const {
    return static_cast<std::size_t>(((n * shape.channels + c) * shape.height + h) * shape.width +
                                    w);
  }
  double& operator()(Index n, Index c, Index h, Index w) { return values[place(n, c, h, w)]; }
  double operator()(Index n, Index c, Index h, Index w) const { return values[place(n, c, h, w)]; }
};

/// Parameters and their gradient as float64, by segment name.
struct Numbers {
  const ParameterTable* table = nullptr;
  std::vector<double> parameters;
  std::vector<double> gradient;
  /// Of a norm's parameters: the sum of the squares of what the gradient sums up. Its root says how
  /// large a sum of such terms usually is, where they happen to take each other away.
  std::vector<double> squares;
  /// Tensors are rounded as bfloat16 rounds them, each behind its layer.
  bool in_bfloat16 = false;

  Numbers() = default;
  Numbers(const ParameterTable& of, const std::vector<float>& flat)
      : table(&of),
        parameters(flat.begin(), flat.end()),
        gradient(flat.size()),
        squares(flat.size()) {}
  double* parameter(const std::string& name) { return find(parameters, name); }
  double* diff(const std::string& name) { return find(gradient, name); }
  double* squares_of(const std::string& name) { return find(squares, name); }

 private:
  double* find(std::vector<double>& flat, const std::string& name) {
    const Segment* segment = table->find(name);
    return segment == nullptr ? nullptr : flat.data() + segment->offset;
  }
};

/// How near the forward pass came to where a gradient jumps: the smallest |x| into a ReLU, the
/// smallest lead of a maximum. Where float32 errors are larger, float32 and float64 may differ.
/// Exact zeros are what an earlier ReLU made: zero in float32 as well.
struct Margin {
  double smallest = std::numeric_limits<double>::infinity();
  void see(double distance) {
    if (distance != 0) smallest = std::min(smallest, std::abs(distance));
  }
};

}  // namespace kindred::naive
