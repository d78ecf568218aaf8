#pragma once
#include <cstdint>

#include "foreign_array.h"

namespace kindred::python {

/// All values in C's order, whatever their order, type and place; dst has size() of them. False,
/// and nothing is written, where they are not numbers. No GIL is wanted.
bool convert(const ForeignArray& array, float* dst);
bool convert(const ForeignArray& array, double* dst);
/// Whole numbers and booleans only. uint64 keep their bits.
bool convert(const ForeignArray& array, std::int64_t* dst);
/// uint8 only.
bool convert(const ForeignArray& array, std::uint8_t* dst);

}  // namespace kindred::python
