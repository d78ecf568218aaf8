#pragma once
#include <hdf5.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "data/chunks/chunk_filters.h"
#include "kindred/data/hdf5_file.h"

namespace kindred {

/// A chunk in the file.
struct StoredChunk {
  static constexpr std::uint64_t kNone = UINT64_MAX;
  std::uint64_t offset = kNone;  ///< kNone: never written, all of it is the fill value
  std::uint32_t bytes = 0;
  std::uint32_t mask = 0;  ///< bit i: filter i was left out
};

/// Where the values of a data set of bytes or floats lie in its file: all that is needed to read
/// them without HDF5, which would take one reader at a time. A data set in one piece is one chunk.
struct ChunkTable {
  std::string where;         ///< "FILE: /images", for messages
  std::string file;          ///< its path
  std::uint64_t device = 0;  ///< of the file that HDF5 read
  std::uint64_t inode = 0;
  std::vector<Index> shape;         ///< of the data set
  std::vector<Index> chunk;         ///< of one chunk
  std::vector<Index> grid;          ///< chunks along each axis
  std::vector<StoredChunk> chunks;  ///< by the grid, row-major
  ChunkPipeline pipeline;
  std::array<std::byte, 4> fill{};  ///< the fill value

  /// Chunks that share their rows: a row of the grid.
  Index chunks_of_rows() const { return static_cast<Index>(chunks.size()) / grid[0]; }
  Index row_bytes() const;
  /// Each row is one run of bytes in the file.
  bool rows_lie_whole() const;
  Index bytes() const { return static_cast<Index>(chunks.size() * sizeof(StoredChunk)); }
  auto fields() {
    return std::tie(where, file, device, inode, shape, chunk, grid, chunks, pipeline, fill);
  }

  /// Fails with data where something in it cannot be, in a file of so many bytes.
  void check(std::uint64_t file_bytes) const;
};

/// Without chunks where only HDF5 can read the data set: other types, filters or layouts, more
/// chunks than the file has bytes, or a file in which the table
/// does not lead to what HDF5 reads. `where` begins messages. In an Hdf5Session. Fails with data.
ChunkTable find_chunks(hid_t dataset, const std::string& where);

/// The table of an open data set, or none.
std::optional<ChunkTable> read_chunk_table(const Hdf5Dataset& data);

}  // namespace kindred
