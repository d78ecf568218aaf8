#pragma once
#include "core/kernels.h"
#include "kindred/core/index.h"

/// The packed product under matmul.h and the neighbour search: operands are packed into panels,
/// and blocks of the result are computed from panels. After Goto and van de Geijn 2008, "Anatomy
/// of high-performance matrix multiplication", and BLIS (Van Zee and van de Geijn 2015).
///
/// What makes the promises of matmul.h true: every element of a product is the same chain,
///   sum over blocks of kDepth of (fused multiply-adds from zero, k ascending),
/// in one lane of one register, wherever the element stands; panels are filled up with zeros, so
/// that edges run through the same kernel and nothing of the filling is stored.
namespace kindred {

/// Depth of one chain: a right panel of 256 fills two thirds of a 48 KiB L1.
inline constexpr Index kTileDepth = 256;

/// `count` vectors of length `depth` to be packed; element k of vector i is
/// data[i * vector_stride + k * depth_stride]. REQUIRES: one of the strides is 1.
template <typename T>
struct Operand {
  const T* data;
  Index count;
  Index depth;
  Index vector_stride;
  Index depth_stride;

  /// Vectors [first, first + n), elements [from, from + length).
  Operand part(Index first, Index n, Index from, Index length) const {
    return {data + first * vector_stride + from * depth_stride, n, length, vector_stride,
            depth_stride};
  }
};

/// How an operand is packed: for each block of kDepth elements the panels one after the other, a
/// panel as [depth in block][width] with `vectors` of the width in use.
struct Panels {
  Index vectors;
  Index width;

  constexpr Index count(Index n) const { return blocks_of(n, vectors); }
  /// Elements that n packed vectors take for each of their elements.
  constexpr Index padded(Index n) const { return count(n) * width; }
};
/// One side of a product as the kernel reads it: packed, or (depth_stride > 0) where it lies, its
/// vectors across memory: element k of vector i at data[i + k * depth_stride].
template <typename T>
struct Factor {
  const T* data;
  Index count;
  Index depth_stride = 0;

  /// The same vectors from element k on; k a multiple of kTileDepth.
  Factor from(Index k, Panels panels) const {
    return {data + k * (depth_stride > 0 ? depth_stride : panels.padded(count)), count,
            depth_stride};
  }
};

/// The product's loops. T is float or double.
template <typename T>
struct TileKernels {
  static constexpr Isa kHighest = Isa::v4;

  /// The register tile: `rows` vectors of the left operand by `cols` of the right one. `lanes` is
  /// what a register holds.
  Index rows;
  Index cols;
  Index lanes;
  /// Left panels are widened to whole registers: their packing then stores whole cache lines.
  constexpr Panels left() const { return {rows, round_up(rows, lanes)}; }
  constexpr Panels right() const { return {cols, cols}; }

  /// Packs the panels [first_panel, last_panel) of `operand` into `packed`, which has room for
  /// panels.padded(operand.count) * operand.depth elements.
  void (*pack_left)(const Operand<T>& operand, Index first_panel, Index last_panel, T* packed);
  void (*pack_right)(const Operand<T>& operand, Index first_panel, Index last_panel, T* packed);

  /// dst(j, i) = src(i, j) for rows x cols of src; both have rows `stride` apart.
  void (*transpose_block)(const T* src, Index rows, Index cols, T* dst, Index stride);

  /// dst[i][j] = (or +=) left vector (first_row + i) · right vector (first_col + j), for i in
  /// [0, rows), j in [0, cols). REQUIRES: first_row and first_col begin panels (multiples of this
  /// struct's rows and cols). Where `add` is false the old content of dst is not read.
  void (*multiply_block)(const Factor<T>& left, Index first_row, Index rows, const Factor<T>& right,
                         Index first_col, Index cols, Index depth, T* dst, Index dst_stride,
                         bool add);

  /// a · b by the very chain of additions that an element of a product is.
  T (*dot)(const T* a, const T* b, Index depth);
};

}  // namespace kindred
