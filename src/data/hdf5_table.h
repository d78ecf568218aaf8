#pragma once
#include <span>
#include <string>
#include <vector>

#include "data/hdf5_session.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {

/// The rows of an attribute of records: its texts of fixed length and its whole numbers by the
/// names given; other members, references among them, are not touched. Fails with data.
std::vector<Hdf5TableRow> hdf5_read_table(hid_t attribute, std::span<const std::string> texts,
                                          std::span<const std::string> numbers,
                                          const std::string& where);

}  // namespace kindred
