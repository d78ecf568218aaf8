#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/foreign/hdf5_layout.h"

namespace kindred {

/// Labels that others wrote, one a sample, and the names of their classes where they tell them.
struct SampleLabels {
  std::vector<std::int64_t> labels;  ///< from 0; empty where a part has none
  std::vector<std::string> class_names;
};

/// Whole numbers from 0 as they are; texts, and numbers that are negative or not whole, counted in
/// their order; rows with a single 1 among zeros by its column. Fails with data.
SampleLabels read_sample_labels(const Hdf5Layout& layout);

}  // namespace kindred
