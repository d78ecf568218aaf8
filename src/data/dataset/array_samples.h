#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/data/sample_kinds.h"
#include "kindred/data/sample_source.h"

namespace kindred {

/// Samples of files that are not HDF5, in memory, and what is known of them.
struct ArraySamples {
  std::unique_ptr<SampleSource> source;
  SampleColumns columns;
  Index left_out = 0;              ///< samples whose label is -1
  std::string description;         ///< what was taken for what
  std::vector<std::string> notes;  ///< of labels, of lists
};

/// True for NumPy's .npy and .npz, and for lists of vectors (.csv, .tsv).
bool are_array_samples(const std::string& path);

/// Reads them whole. Fails with no_input, data, or usage where a name asks for what there is not.
ArraySamples read_array_samples(const std::string& path, const DatasetNames& names);

}  // namespace kindred
