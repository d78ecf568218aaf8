#pragma once
#include "data/hdf5/hdf5_array.h"
#include "data/isolation/isolated.h"

namespace kindred {

/// For what inside this folder asks HDF5 things about a data set that Hdf5Dataset does not tell:
///   Hdf5Access::process(data).call(function, Hdf5Access::array(data), ...)
/// runs function(const Hdf5Array*, ...) where HDF5 runs.
struct KINDRED_HIDDEN Hdf5Access {
  static const Hdf5ArrayInfo& info(const Hdf5Dataset& data);
  static IsolatedProcess& process(const Hdf5Dataset& data);
  static const Hdf5Array* array(const Hdf5Dataset& data);  ///< an address in that process
};

}  // namespace kindred
