#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/file_kinds.h"
#include "kindred/core/matrix.h"

namespace KINDRED_API kindred {

/// A NumPy array file of numbers, format versions 1 to 3: floats of 2, 4 or 8 bytes, integers of 1
/// to 8 bytes, booleans; either byte order; rows or columns first. Object and structured arrays are
/// refused: they would need Python to read. Files are not trusted: what the header claims must be
/// what the file holds. Messages begin with the path.
/// Source: numpy.lib.format, "Format of NPY files".
///
/// A two-dimensional array of finite numbers as float32, [N, D]. Fails with no_input (missing) or
/// data.
Matrix read_npy_matrix(const std::string& path);

/// A one-dimensional array [N] (or [N, 1]) of whole numbers; floats are taken where they are whole.
/// Fails with no_input (missing) or data.
std::vector<std::int64_t> read_npy_integers(const std::string& path);

/// What an array file of format version 1.0 begins with, for rows in C order. `type` as NumPy
/// writes it: "<f4", "<i8", "|u1".
std::string npy_header(const std::string& type, std::span<const Index> shape);

extern const FileKind kNpyFile;

}  // namespace kindred
