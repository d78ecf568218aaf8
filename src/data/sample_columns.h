#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "kindred/core/matrix.h"
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

/// A column [N] or [N, 1] of whole numbers, stored as integers or as reals. Fails with data.
std::vector<std::int64_t> read_whole_numbers(const Hdf5File& file, const std::string& name);

/// [N, D] finite float32 with at least one row and column. Fails with data.
Matrix read_rows(const Hdf5File& file, const std::string& name);

/// [rows, T] float32 with finite values, or empty where /name is absent.
Matrix read_targets(const Hdf5File& file, const std::string& name, Index rows,
                    const std::string& counted);

}  // namespace kindred
