#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/labels/class_labels.h"
#include "kindred/core/index.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/sample_kinds.h"

namespace kindred {

/// Reads and checks them all against the `rows` of /`counted`, each row one `noun` ("image").
/// `prefix` is put before every name but class_names. Paths may be left out. Fails with data.
struct ReadColumns : SampleColumns {
  std::vector<std::string> notes;  ///< what labels were taken for
  Index left_out = 0;              ///< samples whose label is -1
};
ReadColumns read_sample_columns(const Hdf5File& file, Index rows, const std::string& counted,
                                const std::string& noun, const std::string& prefix = "",
                                bool with_paths = true,
                                NegativeLabels negative = NegativeLabels::refuse);
/// The paths alone, of so many samples; empty where absent.
std::vector<std::string> read_paths(const Hdf5File& file, Index rows);

/// Fails with data where columns that a program made do not fit `rows` samples, or hold what a file
/// may not; `where` names them.
void check_columns(const SampleColumns& columns, Index rows, const std::string& where);

/// What the columns take in memory.
Index held_bytes(const SampleColumns& columns);

}  // namespace kindred
