#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/arrays/npy_array.h"

namespace kindred {

/// A NumPy array and the name it has in its archive, or its file without ".npy".
struct NamedArray {
  std::string name;
  NpyArray array;
};

/// The samples of a split, and their labels.
struct ArrayPart {
  NamedArray samples;
  std::optional<NamedArray> labels;
  int split = -1;  ///< 0 train, 1 validation, 2 test, -1: nothing says
};

struct ArrayParts {
  std::vector<ArrayPart> parts;  ///< by split
  std::vector<std::string> class_names;
  std::vector<std::string> left_out;  ///< "WHERE: REASON"
};

/// What arrays are called for, where they are not called so.
struct ArrayNames {
  std::string samples;
  std::string labels;
};

/// Samples and labels by their names (X, images, ...; y, labels, ...), else by their shapes: [N]
/// and [N, 1] are labels. A split is what a word of the name says ("x_train", "t10k"). Fails with
/// data where a split has not one array of samples, or two could be its labels.
ArrayParts sort_arrays(std::vector<NamedArray> arrays, const std::string& where,
                       const ArrayNames& names = {});

/// "y:2" taken apart as options name a column of an array; -1 where none is named.
std::pair<std::string, Index> name_and_column(const std::string& text);

/// Reads a .npy file, or all arrays of an .npz. Fails with no_input or data.
std::vector<NamedArray> read_arrays(const std::string& path);

/// Whether the file begins as .npy or .npz do, whatever it is called.
bool holds_arrays(const std::string& path);

}  // namespace kindred
