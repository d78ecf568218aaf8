#pragma once
#include "data/foreign/hdf5_layout.h"

namespace kindred {

/// Fuel's files say by the table "split" which rows of a data set are for what. Cuts the layout's
/// part into those runs; true where the file has such a table for its images. Fails with data.
bool apply_fuel_splits(const Hdf5File& file, Hdf5Layout& layout);

}  // namespace kindred
