#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "data/hdf5/hdf5_session.h"

namespace kindred {

/// Asks HDF5 where a chunk lies. Its own answers go through all chunks for each one (1.10), so the
/// file is opened once more by a driver that notes down what of its data is to be read instead of
/// reading it: looking a chunk up costs what reading it would, without the reading. In an
/// Hdf5Session.
class ChunkFinder {
 public:
  /// For an open data set of the file at `path`; `most_bytes` is the most a chunk may have.
  ChunkFinder(hid_t dataset, const std::string& path, std::uint64_t most_bytes);
  bool valid() const { return dataset_.valid(); }

  struct Found {
    bool stored = false;  ///< false: the chunk was never written
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;  ///< where over most_bytes, the offset is not known
    std::uint32_t mask = 0;
  };
  /// False where HDF5 cannot tell, or not in good time.
  bool find(const hsize_t* at, Found& found);
  /// So many chunks were never written that looking for more of them takes too long.
  bool is_slow() const { return slow_ > kMostSlow; }

 private:
  struct NotedRead;
  static constexpr int kMostSlow = 4096;

  Hdf5Id file_;
  Hdf5Id dataset_;
  NotedRead* read_ = nullptr;  ///< the driver's
  int slow_ = 0;               ///< look-ups that went through all chunks
  std::vector<std::byte> scratch_;
};

}  // namespace kindred
