#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/core/index.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {

/// What a data set or an embedding file says of its samples, one row each; empty where absent.
struct SampleColumns {
  std::vector<std::int64_t> labels;      ///< >= 0, below class_names.size() where there are names
  std::vector<std::string> class_names;  ///< one a class
  std::vector<std::uint8_t> split;       ///< 0, 1 or 2
  std::vector<std::string> paths;
  std::vector<std::int64_t> groups;
  std::vector<std::int32_t> episode;
  std::vector<std::uint8_t> role;  ///< 0 or 1
};

/// Reads and checks them all against the `rows` of /`counted`, each row one `noun` ("image").
/// `prefix` is put before every name but class_names. Paths may be left out. Fails with data.
SampleColumns read_sample_columns(const Hdf5File& file, Index rows, const std::string& counted,
                                  const std::string& noun, const std::string& prefix = "",
                                  bool with_paths = true);
/// The paths alone, of so many samples; empty where absent.
std::vector<std::string> read_paths(const Hdf5File& file, Index rows);

/// What the columns take in memory.
Index held_bytes(const SampleColumns& columns);

}  // namespace kindred
