#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"

namespace KINDRED_API kindred {

/// The files that `path` names where a data set is asked for: itself, the HDF5 files that a list
/// (.txt) names, the labels that lie beside "..._x.h5". What is missing is listed, too. Reads the
/// list, no data.
std::vector<std::string> files_of_dataset(const std::string& path);

}  // namespace kindred
