#pragma once
#include "nn/vector.h"

// Winograd's F(4x4, 3x3) in one direction, for 16 channels at once. The points are 0, ±a, ±b and
// infinity. Lavin and Gray 2016 take a = 1, b = 2; these err half as much, and all constants of
// theirs but the weights' are exact. Each function is one of their matrices times a column
// (section 4.2).

namespace kindred::winograd {

using V = Vector<16>;
using Float = V::Float;

template <int N>
struct Column {
  Float v[N];
  Float& operator[](Index i) { return v[i]; }
  const Float& operator[](Index i) const { return v[i]; }
};

inline constexpr float a = 0.625F;
inline constexpr float b = 1.5F;
inline constexpr float a2 = a * a;
inline constexpr float b2 = b * b;
inline constexpr float kAtZero = 1 / (a2 * b2);
inline constexpr float kAtA = 1 / (2 * a2 * (a2 - b2));
inline constexpr float kAtB = 1 / (2 * b2 * (b2 - a2));

/// Bᵀ
inline Column<6> to_points(const Column<6>& d) {
  const Float even_a = d[4] - b2 * d[2];
  const Float odd_a = a * (d[3] - b2 * d[1]);
  const Float even_b = d[4] - a2 * d[2];
  const Float odd_b = b * (d[3] - a2 * d[1]);
  return {{(a2 * b2) * d[0] - (a2 + b2) * d[2] + d[4], even_a + odd_a, even_a - odd_a,
           even_b + odd_b, even_b - odd_b, (a2 * b2) * d[1] - (a2 + b2) * d[3] + d[5]}};
}

/// Aᵀ
inline Column<4> from_points(const Column<6>& m) {
  const Float even_a = m[1] + m[2];
  const Float odd_a = m[1] - m[2];
  const Float even_b = m[3] + m[4];
  const Float odd_b = m[3] - m[4];
  return {{m[0] + even_a + even_b, a * odd_a + b * odd_b, a2 * even_a + b2 * even_b,
           (a2 * a) * odd_a + (b2 * b) * odd_b + m[5]}};
}

/// A
inline Column<6> diff_to_points(const Column<4>& y) {
  const Float even_a = y[0] + a2 * y[2];
  const Float odd_a = a * y[1] + (a2 * a) * y[3];
  const Float even_b = y[0] + b2 * y[2];
  const Float odd_b = b * y[1] + (b2 * b) * y[3];
  return {{y[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, y[3]}};
}

/// G
inline Column<6> weights_to_points(const Column<3>& g) {
  const Float even_a = kAtA * (g[0] + a2 * g[2]);
  const Float odd_a = (kAtA * a) * g[1];
  const Float even_b = kAtB * (g[0] + b2 * g[2]);
  const Float odd_b = (kAtB * b) * g[1];
  return {{kAtZero * g[0], even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g[2]}};
}

/// Gᵀ
inline Column<3> weights_from_points(const Column<6>& e) {
  const Float even_a = kAtA * (e[1] + e[2]);
  const Float odd_a = (kAtA * a) * (e[1] - e[2]);
  const Float even_b = kAtB * (e[3] + e[4]);
  const Float odd_b = (kAtB * b) * (e[3] - e[4]);
  return {{kAtZero * e[0] + even_a + even_b, odd_a + odd_b, a2 * even_a + b2 * even_b + e[5]}};
}

}  // namespace kindred::winograd
