#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/labels/class_labels.h"
#include "kindred/core/index.h"

namespace kindred {

/// A NumPy array file in memory, looked over: see kindred/data/npy_file.h for what is read.
struct NpyArray {
  std::string where;            ///< for messages
  std::vector<std::byte> file;  ///< all of it
  std::size_t begin = 0;        ///< of the elements
  char kind = 0;                ///< 'f', 'i', 'u', 'b'; texts: 'S' of bytes, 'U' of UTF-32
  bool swapped = false;         ///< stored in the other byte order
  std::size_t bytes = 0;        ///< of an element
  bool columns_first = false;   ///< the first index runs fastest
  std::vector<Index> shape;

  Index count() const;  ///< of elements
  bool is_text() const { return kind == 'S' || kind == 'U'; }
  /// The place of element `i`, counted row by row, in stored order.
  Index place(Index i) const;
  /// Element `i` in stored order; integers beyond 2^53 lose their last bits.
  double element(Index i) const;
  /// The same of integers, exactly; of uint64 its bits.
  std::int64_t whole(Index i) const;
  /// The same of texts, in UTF-8.
  std::string text(Index i) const;

 private:
  std::uint64_t bits_of(Index i) const;
};

/// Fails with data; messages begin with `where`.
NpyArray parse_npy(std::vector<std::byte> file, const std::string& where);

/// A one-dimensional array [N] (or [N, 1]) of whole numbers.
std::vector<std::int64_t> whole_numbers(const NpyArray& array);

/// An array [N] or [N, K] as labels, `name` being what it is called. Fails with data.
LabelValues label_values(const NpyArray& array, const std::string& name);

}  // namespace kindred
