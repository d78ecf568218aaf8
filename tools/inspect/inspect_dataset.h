#pragma once
#include <string>

#include "command.h"
#include "kindred/data/dataset.h"

namespace kindred::tools {

/// What is in a data set: structure of the file, samples and classes of each split, values, how
/// many classes have how many samples, and a recipe to train on it. Reads all of it.
Json inspect_dataset(const std::string& path, const DatasetNames& names);

/// Rows of text for how many classes have how many samples.
std::string class_histogram_text(const Json& histogram);

/// How many samples the classes have: fewest, median, most.
Json class_sizes(std::span<const std::int64_t> labels);

/// The data sets of an HDF5 file: "uint8 [60000, 28, 28], chunks [64, 28, 28], packed".
Json structure_of(const std::string& path);

}  // namespace kindred::tools
