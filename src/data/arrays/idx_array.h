#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// An IDX file of bytes in memory, looked over.
struct IdxArray {
  std::string where;             ///< for messages
  std::vector<std::byte> bytes;  ///< all of it
  std::vector<Index> shape;      ///< 1 to 4 axes
  Index begin = 0;               ///< of the elements
};

/// 0, 0, type, number of axes, then as many sizes (4 bytes, the largest first), then elements.
/// Fails with data; messages begin with `where`.
IdxArray parse_idx(std::vector<std::byte> bytes, const std::string& where);

}  // namespace kindred
