#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/import/import_plan.h"

namespace kindred {

/// Images of one size, one after the other in memory.
struct ImageArray {
  std::string where;             ///< for messages
  std::vector<std::byte> bytes;  ///< records of `record_bytes` from `begin` on
  Index begin = 0;               ///< of the first record
  Index record_bytes = 0;
  Index offset = 0;  ///< of the pixels in a record
  Index count = 0;   ///< of records
  Shape shape;
  bool planar = false;  ///< channels one after the other, not side by side
};

/// A place is a record's number, counted through all arrays.
std::unique_ptr<ImportImages> images_in_arrays(std::vector<ImageArray> arrays);

}  // namespace kindred
