#pragma once
#include <string>
#include <vector>

#include "kindred/core/shape.h"
#include "kindred/data/hdf5_file.h"
#include "kindred/data/sample_kinds.h"

namespace kindred {

/// How the values of a sample follow each other in a file, the last index fastest.
enum class AxisOrder {
  hwc,  ///< height, width, channels: ours
  chw,  ///< channels, height, width
  cwh,  ///< channels, width, height: MATLAB's [H, W, C, N] as HDF5 sees it
};

/// A run of samples, and their labels.
struct LayoutPart {
  std::string file = {};         ///< path
  std::string images = {};       ///< data set
  std::string labels_file = {};  ///< path
  std::string labels = {};       ///< data set, or empty
  Split split = Split::train;
  Index first = 0;              ///< row
  Index count = 0;              ///< rows
  Index rows = 0;               ///< of the whole data set
  std::string class_name = {};  ///< of all samples, where each class has a data set of its own
};

/// What a file that others wrote calls images (or vectors) and labels.
struct Hdf5Layout {
  std::vector<LayoutPart> parts;
  bool vectors = false;
  AxisOrder order = AxisOrder::hwc;
  Shape shape;
  std::string class_names;  ///< data set in the first part's file, or empty
  Index label_column = -1;  ///< of labels with several columns
  std::string description;  ///< "x_train and y_train for training, ..."
};

/// True where the file is laid out as ours are (datasets/README.md), be it by chance.
bool is_our_layout(const Hdf5File& file);

/// Of PCam's "..._x.h5", which has images, the "..._y.h5" beside it with their labels; else "".
std::string labels_beside(const std::string& path);

/// Finds them by their names, shapes and types, or by the names given. Fails with data: nothing
/// found, several things that could be it, an order of axes that nothing tells.
Hdf5Layout find_layout(const Hdf5File& file, const DatasetNames& names);

/// The parts of all HDF5 files that a text file names, one a line, relative to it (as Caffe has
/// them); each is laid out as the first.
Hdf5Layout find_listed_layout(const std::string& path, const DatasetNames& names);

}  // namespace kindred
