#include "core/matmul_tile.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/register.h"

namespace kindred {
namespace {

// 14 x 2 of 32 registers hold the sums, or 6 x 2 of 16.
constexpr Index kTileRows = kRegisterBytes == 64 ? 14 : 6;

template <typename T>
struct Tile {
  static constexpr Index kLanes = kRegisterBytes / static_cast<Index>(sizeof(T));
  static constexpr Index kRows = kTileRows;
  static constexpr Index kCols = 2 * kLanes;
};

template <typename T>
constexpr Panels kLeft{Tile<T>::kRows, round_up(Tile<T>::kRows, Tile<T>::kLanes)};
template <typename T>
constexpr Panels kRight{Tile<T>::kCols, Tile<T>::kCols};

template <typename T>
inline constexpr Index kCacheLine = 64 / static_cast<Index>(sizeof(T));

template <typename T>
using Vector = RegisterOf<T>;

template <typename T>
inline Vector<T> load(const T* p) {
  Vector<T> v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
inline void store(T* p, const Vector<T>& v) {
  std::memcpy(p, &v, sizeof(v));
}

// Calls body(integral_constant<0>), ..., body(integral_constant<N - 1>): unrolled by construction,
// so that arrays of vectors indexed by it live in registers.
template <Index N, typename Body>
[[gnu::always_inline]] inline void unrolled(Body&& body) {
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (body(std::integral_constant<Index, static_cast<Index>(i)>{}), ...);
  }
  (std::make_index_sequence<static_cast<std::size_t>(N)>{});
}

// A panel as the tile reads it: element k of its vectors at data + k * step.
template <typename T>
struct Panel {
  const T* data;
  Index step;
};

// One tile of Rows x kCols, `depth` deep.
template <typename T, Index Rows, bool Add>
void tile(Panel<T> left, Panel<T> right, Index depth, T* dst, Index dst_stride) {
  constexpr Index kLanes = Tile<T>::kLanes;
  Vector<T> sum0[Rows];
  Vector<T> sum1[Rows];
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    sum0[i] = Vector<T>{};
    sum1[i] = Vector<T>{};
  });
  const T* a = left.data;
  const T* b = right.data;
  for (Index k = 0; k < depth; ++k) {
    const Vector<T> b0 = load(b);
    const Vector<T> b1 = load(b + kLanes);
    unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
      const Vector<T> value = a[i] - Vector<T>{};
      sum0[i] += value * b0;
      sum1[i] += value * b1;
    });
    a += left.step;
    b += right.step;
  }
  unrolled<Rows>([&](auto i) __attribute__((always_inline)) {
    T* row = dst + i * dst_stride;
    if constexpr (Add) {
      sum0[i] += load(row);
      sum1[i] += load(row + kLanes);
    }
    store(row, sum0[i]);
    store(row + kLanes, sum1[i]);
  });
}

template <typename T>
using TileFunction = void (*)(Panel<T>, Panel<T>, Index, T*, Index);

// The kernel for each number of rows; the chain of an element is the same in all of them.
template <typename T, bool Add>
constexpr auto tile_functions() {
  return []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<TileFunction<T>, sizeof...(i)>{tile<T, static_cast<Index>(i) + 1, Add>...};
  }
  (std::make_index_sequence<static_cast<std::size_t>(Tile<T>::kRows)>{});
}

template <typename T>
void run_tile(Panel<T> left, Panel<T> right, Index depth, Index rows, Index cols, T* dst,
              Index dst_stride, bool add) {
  static constexpr auto kSet = tile_functions<T, false>();
  static constexpr auto kAdd = tile_functions<T, true>();
  const auto which = static_cast<std::size_t>(rows - 1);
  if (cols == Tile<T>::kCols) {
    (add ? kAdd : kSet)[which](left, right, depth, dst, dst_stride);
    return;
  }
  alignas(kRegisterBytes) T whole[Tile<T>::kRows * Tile<T>::kCols];
  kSet[which](left, right, depth, whole, Tile<T>::kCols);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      const T value = whole[i * Tile<T>::kCols + j];
      T& out = dst[i * dst_stride + j];
      out = add ? out + value : value;
    }
  }
}

// Interleaves the low (or high) halves of a and b: a0 b0 a1 b1 ...
template <bool High, typename T>
inline Vector<T> interleave(const Vector<T>& a, const Vector<T>& b) {
  constexpr int kLanes = static_cast<int>(Tile<T>::kLanes);
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (i / 2 + (i % 2) * kLanes + (High ? kLanes / 2 : 0))...);
  }
  (std::make_integer_sequence<int, kLanes>{});
}

// Transposes lanes x lanes elements by a network of perfect shuffles.
template <typename T, Index Stage = 1>
[[gnu::always_inline]] inline void transpose(Vector<T> (&v)[Tile<T>::kLanes]) {
  constexpr Index kLanes = Tile<T>::kLanes;
  if constexpr (Stage < kLanes) {
    Vector<T> next[kLanes];
    unrolled<kLanes / 2>([&](auto i) __attribute__((always_inline)) {
      next[2 * i] = interleave<false, T>(v[i], v[i + kLanes / 2]);
      next[2 * i + 1] = interleave<true, T>(v[i], v[i + kLanes / 2]);
    });
    transpose<T, Stage * 2>(next);
    unrolled<kLanes>([&](auto i) __attribute__((always_inline)) { v[i] = next[i]; });
  }
}

// One panel of vectors that lie along memory: element (i, k) at src[i * stride + k]. Whole squares
// of lanes x lanes are transposed in registers; vectors from `count` on are zeros.
template <typename T, Index Vectors, Index Width>
void pack_along(const T* src, Index stride, Index count, Index depth, T* packed) {
  constexpr Index kLanes = Tile<T>::kLanes;
  for (Index k = 0; k < depth; k += kLanes) {
    const Index length = std::min(kLanes, depth - k);
    for (Index group = 0; group < Width; group += kLanes) {
      Vector<T> v[kLanes];
      if (length == kLanes && count == Vectors) {
        unrolled<kLanes>([&](auto i) __attribute__((always_inline)) {
          v[i] = group + i < Vectors ? load(src + (group + i) * stride + k) : Vector<T>{};
        });
      } else {
        for (Index i = 0; i < kLanes; ++i) {
          v[i] = Vector<T>{};
          if (group + i < count) {
            std::memcpy(&v[i], src + (group + i) * stride + k,
                        static_cast<std::size_t>(length) * sizeof(T));
          }
        }
      }
      transpose<T>(v);
      T* out = packed + k * Width + group;
      if (length == kLanes) {
        unrolled<kLanes>([&](auto i)
                             __attribute__((always_inline)) { store(out + i * Width, v[i]); });
      } else {
        for (Index i = 0; i < length; ++i) store(out + i * Width, v[i]);
      }
    }
  }
}

// One panel of vectors that lie across memory: element (i, k) at src[k * stride + i].
template <typename T, Index Vectors, Index Width>
void pack_across(const T* src, Index stride, Index count, Index depth, T* packed) {
  if (count == Vectors) {
    for (Index k = 0; k < depth; ++k) {
      std::memcpy(packed + k * Width, src + k * stride, Vectors * sizeof(T));
    }
    return;
  }
  for (Index k = 0; k < depth; ++k) {
    std::copy_n(src + k * stride, count, packed + k * Width);
    std::fill_n(packed + k * Width + count, Vectors - count, T{0});
  }
}

template <typename T, Index Vectors, Index Width>
void pack(const Operand<T>& operand, Index first_panel, Index last_panel, T* packed) {
  const Index padded = blocks_of(operand.count, Vectors) * Width;
  for (Index begin = 0; begin < operand.depth; begin += kTileDepth) {
    const Index depth = std::min(kTileDepth, operand.depth - begin);
    for (Index panel = first_panel; panel < last_panel; ++panel) {
      const Index first = panel * Vectors;
      const Operand<T> part =
          operand.part(first, std::min(Vectors, operand.count - first), begin, depth);
      T* out = packed + begin * padded + panel * Width * depth;
      if (operand.depth_stride == 1) {
        pack_along<T, Vectors, Width>(part.data, part.vector_stride, part.count, depth, out);
      } else {
        pack_across<T, Vectors, Width>(part.data, part.depth_stride, part.count, depth, out);
      }
    }
  }
}

// Squares of lanes x lanes go through registers, in whole cache lines on both sides.
template <typename T>
void transpose_square(const T* src, T* dst, Index stride) {
  constexpr Index kLanes = Tile<T>::kLanes;
  Vector<T> v[kLanes];
  unrolled<kLanes>([&](auto i) __attribute__((always_inline)) { v[i] = load(src + i * stride); });
  transpose<T>(v);
  unrolled<kLanes>([&](auto i) __attribute__((always_inline)) { store(dst + i * stride, v[i]); });
}

// The panel of `factor` that begins with vector `first`.
template <typename T>
Panel<T> panel_at(const Factor<T>& factor, Index first, Index depth, Panels panels) {
  if (factor.depth_stride > 0) return {factor.data + first, factor.depth_stride};
  return {factor.data + panels.padded(first) * depth, panels.width};
}

template <typename T>
void transpose_block(const T* src, Index rows, Index cols, T* dst, Index stride) {
  constexpr Index kLanes = Tile<T>::kLanes;
  for (Index j = 0; j < cols; j += kLanes) {
    for (Index i = 0; i < rows; i += kLanes) {
      if (rows - i >= kLanes && cols - j >= kLanes) {
        transpose_square(src + i * stride + j, dst + j * stride + i, stride);
        continue;
      }
      for (Index y = j; y < std::min(cols, j + kLanes); ++y) {
        for (Index x = i; x < std::min(rows, i + kLanes); ++x) {
          dst[y * stride + x] = src[x * stride + y];
        }
      }
    }
  }
}

template <typename T>
void pack_left(const Operand<T>& operand, Index first_panel, Index last_panel, T* packed) {
  pack<T, kLeft<T>.vectors, kLeft<T>.width>(operand, first_panel, last_panel, packed);
}

template <typename T>
void pack_right(const Operand<T>& operand, Index first_panel, Index last_panel, T* packed) {
  pack<T, kRight<T>.vectors, kRight<T>.width>(operand, first_panel, last_panel, packed);
}

template <typename T>
void multiply_block(const Factor<T>& left, Index first_row, Index rows, const Factor<T>& right,
                    Index first_col, Index cols, Index depth, T* dst, Index dst_stride, bool add) {
  constexpr Index kRows = Tile<T>::kRows;
  constexpr Index kCols = Tile<T>::kCols;
  constexpr Index kMostAhead = 48 * kCacheLine<T>;
  alignas(kRegisterBytes) T edge[kTileDepth * kCols];
  for (Index begin = 0; begin < depth; begin += kTileDepth) {
    const Index length = std::min(kTileDepth, depth - begin);
    const Factor<T> a = left.from(begin, kLeft<T>);
    const Factor<T> b = right.from(begin, kRight<T>);
    // The right panel stays in L1 while the left block passes by from L2.
    for (Index j = 0; j < cols; j += kCols) {
      const Index tile_cols = std::min(kCols, cols - j);
      Panel<T> b_panel = panel_at(b, first_col + j, length, kRight<T>);
      if (b.depth_stride > 0 && tile_cols < kCols) {
        pack_across<T, kCols, kCols>(b_panel.data, b_panel.step, tile_cols, length, edge);
        b_panel = {edge, kCols};
      }
      // Meanwhile the next panel is on its way from memory, a share of it with each tile.
      const Index ahead = b.depth_stride > 0 ? 0 : kCols * length;
      const Index share =
          std::min(kMostAhead, round_up(ahead / blocks_of(rows, kRows), kCacheLine<T>));
      const T* next = b_panel.data + kCols * length;
      for (Index i = 0; i < rows; i += kRows) {
        for (Index e = 0; e < share; e += kCacheLine<T>) __builtin_prefetch(next + e, 0, 2);
        next += share;
        run_tile(panel_at(a, first_row + i, length, kLeft<T>), b_panel, length,
                 std::min(kRows, rows - i), tile_cols, dst + i * dst_stride + j, dst_stride,
                 add || begin > 0);
      }
    }
  }
}

template <typename T>
T dot(const T* a, const T* b, Index depth) {
  T sum = 0;
  for (Index begin = 0; begin < depth; begin += kTileDepth) {
    const Index end = std::min(depth, begin + kTileDepth);
    T chain = 0;
    for (Index k = begin; k < end; ++k) chain += a[k] * b[k];
    sum = begin == 0 ? chain : sum + chain;
  }
  return sum;
}

template <typename T>
constexpr TileKernels<T> kTileKernels{Tile<T>::kRows,    Tile<T>::kCols, Tile<T>::kLanes,
                                      pack_left<T>,      pack_right<T>,  transpose_block<T>,
                                      multiply_block<T>, dot<T>};

}  // namespace

KINDRED_OFFER(TileKernels<float>, kTileKernels<float>);
KINDRED_OFFER(TileKernels<double>, kTileKernels<double>);

}  // namespace kindred
