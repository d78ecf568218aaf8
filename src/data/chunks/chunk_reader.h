#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "core/files/file_handle.h"
#include "data/chunks/chunk_table.h"

namespace kindred {

/// Reads rows by a ChunkTable, without HDF5. Thread-safe. Damage fails with data, a device with io.
class ChunkReader {
 public:
  /// Opens the file. Fails with data where the table cannot be, or where it is of another file.
  explicit ChunkReader(ChunkTable table);

  const ChunkTable& table() const { return table_; }
  /// Rows that are unpacked together; the last block may have fewer.
  Index block_rows() const { return table_.chunk[0]; }

  /// All rows of a block to dst. One decoder a caller.
  void read_block(Index block, ChunkDecoder& decoder, std::byte* dst) const;
  /// Asks the system to begin to read it.
  void expect_block(Index block) const;

  /// Rows where each lies whole: rows[order[i]] to dst + order[i] * row_bytes; `order` sorts them.
  /// What is not in the system's memory is asked for all at once, and noted in `late`.
  /// REQUIRES: table().rows_lie_whole().
  void read_rows(std::span<const Index> rows, std::span<const Index> order, std::byte* dst,
                 std::vector<Index>& late) const;

 private:
  void copy_tile(const std::byte* tile, Index chunk, Index rows, std::byte* dst) const;
  std::uint64_t offset_of(Index row) const;
  Index run_length(std::span<const Index> rows, std::span<const Index> order, Index first) const;

  ChunkTable table_;
  FileHandle file_;
  Index row_bytes_;
  std::vector<Index> shape_bytes_;  ///< of the data set along each axis, the last in bytes
  std::vector<Index> chunk_bytes_;  ///< of a chunk, likewise
};

}  // namespace kindred
