#pragma once
#include <string>
#include <vector>

#include "kindred/data/hdf5_file.h"

namespace kindred {

/// A data set of a file that others wrote, and what its name says: "train/x_set" is an "x" of the
/// training split.
struct Hdf5Candidate {
  std::string name;  ///< path in the file
  std::vector<Index> shape;
  Hdf5Kind kind = Hdf5Kind::other;
  Index element_bytes = 0;
  std::string base;  ///< its last word that names no split, in small letters; may be empty
  int split = -1;    ///< 0 train, 1 validation, 2 test, -1: its name says nothing
  bool matlab = false;
  std::string problem;  ///< why it cannot be read, or empty
};

/// The data sets of a file by name, at most a thousand.
std::vector<Hdf5Candidate> list_candidates(const Hdf5File& file);

/// "/x_train float [60000, 28, 28]", for messages.
std::string describe(const Hdf5Candidate& candidate);

}  // namespace kindred
