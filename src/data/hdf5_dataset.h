#pragma once
#include <string>
#include <utility>
#include <vector>

#include "data/hdf5_session.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {

/// Opened, looked over and allowed: see Hdf5File for what is refused.
struct Hdf5Dataset::Impl {
  /// `file_bytes` bounds what the data set may claim. Fails with data.
  Impl(Hdf5Id opened, std::string place, Index file_bytes);
  Impl(Impl&&) = delete;

  Hdf5Id id;
  std::string where;
  std::vector<Index> shape;
  std::vector<Index> chunk;
  Index elements = 1;
  Hdf5Kind kind = Hdf5Kind::other;
  Index element_bytes = 0;
  bool is_signed = true;
  bool compressed = false;

 private:
  void check_storage(Index file_bytes);
};

Hdf5Kind hdf5_kind(hid_t type);

/// The strings of a data set or attribute of `count` elements.
std::vector<std::string> hdf5_read_strings(hid_t id, bool attribute, Index count,
                                           const std::string& where);

}  // namespace kindred
