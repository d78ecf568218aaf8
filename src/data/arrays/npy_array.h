#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// A NumPy array file in memory, looked over: see kindred/data/npy_file.h for what is read.
struct NpyArray {
  std::string where;            ///< for messages
  std::vector<std::byte> file;  ///< all of it
  std::size_t begin = 0;        ///< of the elements
  char kind = 0;                ///< 'f', 'i', 'u', 'b'
  bool swapped = false;         ///< stored in the other byte order
  std::size_t bytes = 0;        ///< of an element
  bool columns_first = false;   ///< the first index runs fastest
  std::vector<Index> shape;

  Index count() const;  ///< of elements
  /// Element `i` in stored order; integers beyond 2^53 lose their last bits.
  double element(Index i) const;
};

/// Fails with data; messages begin with `where`.
NpyArray parse_npy(std::vector<std::byte> file, const std::string& where);

/// A one-dimensional array [N] (or [N, 1]) of whole numbers.
std::vector<std::int64_t> whole_numbers(const NpyArray& array);

}  // namespace kindred
