#pragma once
#include <string>
#include <vector>

#include "data/labels/class_labels.h"
#include "kindred/core/matrix.h"

namespace kindred {

/// Vectors of a list in text, a row each, and what else its columns hold.
struct VectorList {
  Matrix rows;                     ///< [N, D]
  LabelValues labels;              ///< no rows where no column has them
  std::vector<std::string> paths;  ///< or empty
  std::vector<std::string> notes;  ///< how it was read
};

/// CSV, TSV and the like (ListText): all columns of numbers are the vector, in their order, but
/// those that a first line calls labels or paths; a column of texts is the labels, or paths where
/// labels are called so. `labels` names their column, or is "". Fails with no_input or data.
VectorList read_vector_list(const std::string& path, const std::string& labels = "");

/// By its name: .csv, .tsv.
bool is_vector_list(const std::string& path);

}  // namespace kindred
