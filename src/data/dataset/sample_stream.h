#pragma once
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "data/chunks/chunk_reader.h"
#include "data/dataset/block_cache.h"
#include "data/dataset/sample_rows.h"

namespace kindred {

/// Samples that stay in their file until they are asked for. Where they lie whole, each is read
/// alone; where they are packed, blocks of rows (a row of chunks) are unpacked and kept in a cache;
/// where only HDF5 can read them, it does so for one caller at a time.
class SampleStream {
 public:
  enum class Way { whole_rows, chunks, library };

  /// `memory` is for all that is held. Fails with data.
  SampleStream(SampleRows rows, BlockCache::Limits memory);

  Way way() const { return way_; }
  /// The least `memory.bytes` that works.
  Index least_bytes() const { return least_bytes_; }
  Index block_rows() const { return block_rows_; }
  /// See Dataset::read. Nothing is allocated after the longest `samples` so far.
  void read(std::span<const Index> samples, std::byte* dst, Reading reading);

 private:
  /// What one caller needs while it reads.
  struct Lane {
    std::vector<Index> order;
    std::vector<Index> late;
    std::unique_ptr<ChunkDecoder> decoder;
  };
  class Turn;

  void read_blocks(Lane& lane, std::span<const Index> samples, std::byte* dst, Reading reading);
  void make_block(Lane& lane, Index block, std::byte* dst);

  Index size_;
  Index sample_bytes_;
  Index block_rows_ = 1;
  Way way_ = Way::library;
  Index least_bytes_ = 0;
  std::optional<ChunkReader> chunks_;
  std::optional<SampleRows> rows_;  ///< where HDF5 reads
  std::mutex library_;
  std::unique_ptr<BlockCache> cache_;

  std::mutex lock_;  ///< over the lanes
  std::condition_variable idle_;
  std::vector<std::unique_ptr<Lane>> lanes_;  ///< those that are idle
  Index unmade_ = 0;                          ///< lanes that may still be added
};

}  // namespace kindred
