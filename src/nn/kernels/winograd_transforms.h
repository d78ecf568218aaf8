#pragma once
#include <array>
#include <cstddef>
#include <utility>

#include "nn/kernels/vector.h"
#include "nn/kernels/winograd_products.h"

// Winograd's F(M x M, 3x3) in one direction, for a group of channels at once: each function is one
// of the matrices of Lavin and Gray 2016 (section 4.2) times a column.

namespace kindred::winograd {

using V = Vector<kLanes>;
using Float = V::Float;

template <int N>
struct Column {
  Float v[N];
  Float& operator[](Index i) { return v[i]; }
  const Float& operator[](Index i) const { return v[i]; }
};

/// Where polynomials are evaluated, but for infinity, which comes last: 0, if at all, and then
/// pairs ±p. Of the points of few bits, up to 4, these err the least: half as much as Lavin and
/// Gray's 0, ±1 and ±2.
template <int M>
inline constexpr std::array<double, M + 1> kFinitePoints{};
template <>
inline constexpr std::array<double, 5> kFinitePoints<4>{0, 0.625, -0.625, 1.5, -1.5};
template <>
inline constexpr std::array<double, 8> kFinitePoints<7>{0.25, -0.25, 0.625, -0.625,
                                                        1,    -1,    2.5,   -2.5};

/// A row for each point.
template <int N, int K>
using Matrix = std::array<std::array<float, K>, N>;

/// The rows of points p and -p as half their sum and half their difference: each has zeros where
/// the other has not.
template <int N, int K>
constexpr Matrix<N, K> halved(const std::array<std::array<double, K>, N>& rows) {
  Matrix<N, K> result{};
  for (std::size_t k = 0; k < K; ++k) {
    std::size_t r = 0;
    for (; r < (N - 1) % 2; ++r) result[r][k] = static_cast<float>(rows[r][k]);
    for (; r < N - 1; r += 2) {
      result[r][k] = static_cast<float>((rows[r][k] + rows[r + 1][k]) / 2);
      result[r + 1][k] = static_cast<float>((rows[r][k] - rows[r + 1][k]) / 2);
    }
    result[N - 1][k] = static_cast<float>(rows[N - 1][k]);
  }
  return result;
}

/// 1, p, p², ..., divided by the product of p's distances from the other points where `divided`.
template <int M, int K>
constexpr Matrix<M + 2, K> powers(bool divided) {
  constexpr auto& points = kFinitePoints<M>;
  std::array<std::array<double, K>, M + 2> rows{};
  for (std::size_t r = 0; r < points.size(); ++r) {
    double power = 1;
    for (std::size_t other = 0; divided && other < points.size(); ++other) {
      if (other != r) power /= points[r] - points[other];
    }
    for (std::size_t k = 0; k < K; ++k, power *= points[r]) rows[r][k] = power;
  }
  rows[M + 1][K - 1] = 1;
  return halved<M + 2, K>(rows);
}

/// The coefficients of the product of (x - q) over all finite points q but p.
template <int M>
constexpr Matrix<M + 2, M + 2> products() {
  constexpr auto& points = kFinitePoints<M>;
  std::array<std::array<double, M + 2>, M + 2> rows{};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    rows[r][0] = 1;
    for (std::size_t other = 0; other < points.size(); ++other) {
      if (other == r) continue;
      for (std::size_t k = rows.size() - 1; k > 0; --k) {
        rows[r][k] = rows[r][k - 1] - points[other] * rows[r][k];
      }
      rows[r][0] *= -points[other];
    }
  }
  return halved<M + 2, M + 2>(rows);
}

template <std::size_t N, std::size_t K>
constexpr std::array<std::array<float, N>, K> transposed(
    const std::array<std::array<float, K>, N>& matrix) {
  std::array<std::array<float, N>, K> result{};
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t k = 0; k < K; ++k) result[k][n] = matrix[n][k];
  }
  return result;
}

// Everything below is inlined, so that a tile's columns stay in registers: the compiler's own limit
// would end it in the middle.

/// Pairs (u, v) become (u + v, u - v).
template <int N>
[[gnu::always_inline]] inline Column<N> added_and_subtracted(Column<N> column) {
  for (int r = (N - 1) % 2; r < N - 1; r += 2) {
    const Float u = column[r];
    const Float v = column[r + 1];
    column[r] = u + v;
    column[r + 1] = u - v;
  }
  return column;
}

/// A row of a matrix times x, without its zeros.
template <const auto& matrix, int R, int... K>
[[gnu::always_inline]] inline Float row_times(const Column<sizeof...(K)>& x,
                                              std::integer_sequence<int, K...> /*of x*/) {
  constexpr auto first = [] {
    std::size_t k = 0;
    while (matrix[R][k] == 0) ++k;
    return static_cast<int>(k);
  }();
  Float sum = matrix[R][first] * x[first];
  ((K > first && matrix[R][K] != 0 ? void(sum += matrix[R][K] * x[K]) : void()), ...);
  return sum;
}

template <const auto& matrix, int K, int... R>
[[gnu::always_inline]] inline Column<sizeof...(R)> times(
    const Column<K>& x, std::integer_sequence<int, R...> /*of the matrix*/) {
  return {{row_times<matrix, R>(x, std::make_integer_sequence<int, K>{})...}};
}

template <const auto& matrix, int K>
[[gnu::always_inline]] inline auto times(const Column<K>& x) {
  return times<matrix>(x, std::make_integer_sequence<int, static_cast<int>(matrix.size())>{});
}

/// The columns: pixels of src, numbers at points, pixels of dst, weights.
template <int M>
struct Transforms {
  using Src = Column<M + 2>;
  using Points = Column<M + 2>;
  using Dst = Column<M>;
  using Weights = Column<3>;

  static constexpr auto kSrc = products<M>();                         // Bᵀ
  static constexpr auto kToDst = transposed(powers<M, M>(false));     // Aᵀ
  static constexpr auto kDst = powers<M, M>(false);                   // A
  static constexpr auto kWeights = powers<M, 3>(true);                // G
  static constexpr auto kToWeights = transposed(powers<M, 3>(true));  // Gᵀ

  [[gnu::always_inline]] static Points src_to_points(const Src& x) {
    return added_and_subtracted(times<kSrc>(x));
  }
  [[gnu::always_inline]] static Dst dst_from_points(const Points& x) {
    return times<kToDst>(added_and_subtracted(x));
  }
  [[gnu::always_inline]] static Points dst_to_points(const Dst& x) {
    return added_and_subtracted(times<kDst>(x));
  }
  [[gnu::always_inline]] static Points weights_to_points(const Weights& x) {
    return added_and_subtracted(times<kWeights>(x));
  }
  [[gnu::always_inline]] static Weights weights_from_points(const Points& x) {
    return times<kToWeights>(added_and_subtracted(x));
  }
};

/// body(Transforms<M>{}) for a plan's M.
template <typename Body>
void with_transforms(Index tile, Body&& body) {
  if (tile == 7) {
    body(Transforms<7>{});
  } else {
    body(Transforms<4>{});
  }
}

}  // namespace kindred::winograd
