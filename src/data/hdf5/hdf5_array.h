#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "data/hdf5/hdf5_session.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {

/// What a data set is, told without reading it.
struct Hdf5ArrayInfo {
  std::string where;  ///< "FILE: /name"
  std::vector<Index> shape;
  std::vector<Index> chunk;
  Index elements = 1;
  Hdf5Kind kind = Hdf5Kind::other;
  Index element_bytes = 0;
  bool is_signed = true;
  bool compressed = false;

  auto fields() {
    return std::tie(where, shape, chunk, elements, kind, element_bytes, is_signed, compressed);
  }
};

/// A data set that was opened, looked over and allowed: see Hdf5File for what is refused. Lives
/// where HDF5 runs, in the process that reads the file.
struct Hdf5Array : Hdf5ArrayInfo {
  /// `file_bytes` bounds what the data set may claim. Fails with data.
  Hdf5Array(Hdf5Id opened, std::string place, Index file_bytes);
  Hdf5Array(Hdf5Array&&) = delete;

  /// Rows [first, first + count), which exist, of numbers. Fails with data.
  template <typename T>
  void read_rows(Index first, Index count, T* dst) const;

  Hdf5Id id;

 private:
  void check_storage(Index file_bytes);
};

Hdf5Kind hdf5_kind(hid_t type);

/// The strings of a data set or attribute of `count` elements.
std::vector<std::string> hdf5_read_strings(hid_t id, bool attribute, Index count,
                                           const std::string& where);

/// Elements [first, first + count) of a column of bytes of variable length. Fails with data.
std::vector<std::vector<std::byte>> hdf5_read_bytes(const Hdf5Array& array, Index first,
                                                    Index count);

}  // namespace kindred
