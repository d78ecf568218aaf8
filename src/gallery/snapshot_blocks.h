#pragma once
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kindred/core/buffer.h"
#include "kindred/core/matrix.h"

namespace kindred {

/// The sum of the numbers' squares.
double square_of(const float* numbers, Index count);

/// Some pictures' embeddings, one after the other; never changed once a snapshot has them.
struct SnapshotBlock {
  static constexpr Index kRows = 4096;  ///< at most

  std::vector<Index> ids;
  std::vector<Index> identities;
  Matrix rows;           ///< [kRows, D]
  Buffer<float> scales;  ///< 1 / |row|; 0 of a row of zeros

  Index count() const { return static_cast<Index>(ids.size()); }
  double scale_of(Index row, Index dimension) const;
};

/// All of them, by rising id; every block but the last is full.
struct SnapshotBlocks {
  Index dimension = 0;
  Index size = 0;
  std::vector<std::shared_ptr<const SnapshotBlock>> blocks;

  std::pair<const SnapshotBlock*, Index> at(Index place) const {
    const auto block = static_cast<std::size_t>(place / SnapshotBlock::kRows);
    return {blocks[block].get(), place % SnapshotBlock::kRows};
  }
  /// embeddings [ids, D]. The last block is copied, where it has room; others are shared.
  void append(std::span<const Index> ids, std::span<const Index> identities,
              std::span<const float> embeddings);
  /// `removed` rises. Blocks before the first of them are shared.
  void remove(std::span<const Index> removed);
};

}  // namespace kindred
