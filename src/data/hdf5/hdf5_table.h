#pragma once
#include <string>
#include <vector>

#include "data/hdf5/hdf5_reader.h"

namespace kindred {

/// The rows of an attribute of records: its texts of fixed length and its whole numbers by the
/// names given; other members, references among them, are not touched. Fails with data.
Hdf5Table hdf5_read_table(hid_t attribute, const std::vector<std::string>& texts,
                          const std::vector<std::string>& numbers, const std::string& where);

}  // namespace kindred
