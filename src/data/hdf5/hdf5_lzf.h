#pragma once

namespace kindred {

constexpr int kLzfFilter = 32000;  // h5py's

/// Teaches HDF5 to unpack what h5py's compression="lzf" has packed. Once a process, where HDF5 was
/// started.
void register_lzf();

}  // namespace kindred
