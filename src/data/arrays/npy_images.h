#pragma once
#include <cstddef>
#include <vector>

#include "data/arrays/npy_array.h"
#include "kindred/core/matrix.h"
#include "kindred/core/shape.h"

namespace kindred {

/// What the rows of an array are.
struct NpyRows {
  Shape shape;          ///< of a sample; of vectors, channels alone
  bool planar = false;  ///< channels one after the other
  bool vectors = false;
};

/// [N, H, W], [N, H, W, C] and [N, C, H, W] are images; so are rows [N, F] of bytes, or of whole
/// numbers of 0 to 255, whose size is that of one or three squares. Other rows are vectors. Fails
/// with data.
NpyRows rows_of(const NpyArray& array);

/// The images' bytes, row by row: bytes as they are, other numbers as 0 to 255 where they are
/// whole, or as 0 to 1. Fails with data.
std::vector<std::byte> image_bytes(const NpyArray& array);

/// Vectors [N, F] in float32. Fails with data where one is not finite.
Matrix vectors_of(const NpyArray& array);

}  // namespace kindred
