#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/labels/class_labels.h"
#include "kindred/core/matrix.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {

/// The rows of a column [N] or [N, 1]. Fails with data where it is none.
Index column_rows(const Hdf5File& file, const std::string& name);

/// A column [N] or [N, 1] of whole numbers, stored as integers or as reals. Fails with data.
std::vector<std::int64_t> read_whole_numbers(const Hdf5File& file, const std::string& name);

/// Labels of `rows` samples, exactly as they are stored: a column, or rows of several. Fails with
/// data.
LabelValues read_label_values(const Hdf5File& file, const std::string& name, Index rows);

/// [N, D] finite float32 with at least one row and column. Fails with data.
Matrix read_rows(const Hdf5File& file, const std::string& name);
/// The same of the rows that are `part` of `parts` (begin_of_part), which may be none; others are
/// not read.
Matrix read_part_of_rows(const Hdf5File& file, const std::string& name, Index part, Index parts);

/// [rows, T] float32 with finite values, or empty where /name is absent.
Matrix read_targets(const Hdf5File& file, const std::string& name, Index rows,
                    const std::string& counted);

}  // namespace kindred
