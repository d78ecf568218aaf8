#include "gallery/snapshot_blocks.h"

#include <algorithm>
#include <cmath>

namespace kindred {
namespace {

std::shared_ptr<SnapshotBlock> empty_block(Index dimension) {
  auto block = std::make_shared<SnapshotBlock>();
  block->rows = Matrix(SnapshotBlock::kRows, dimension);
  block->scales = Buffer<float>(SnapshotBlock::kRows);
  return block;
}

std::shared_ptr<SnapshotBlock> copy_of(const SnapshotBlock& from, Index dimension) {
  auto block = empty_block(dimension);
  block->ids = from.ids;
  block->identities = from.identities;
  std::copy_n(from.rows.data(), from.count() * from.rows.stride(), block->rows.data());
  std::copy_n(from.scales.data(), from.count(), block->scales.data());
  return block;
}

void push(SnapshotBlock& block, Index id, Index identity, const float* embedding, Index dimension) {
  const Index row = block.count();
  std::copy_n(embedding, dimension, block.rows.row(row));
  block.scales[row] = static_cast<float>(block.scale_of(row, dimension));
  block.ids.push_back(id);
  block.identities.push_back(identity);
}

}  // namespace

double square_of(const float* numbers, Index count) {
  constexpr Index kSums = 8;  // which do not wait for each other
  double sums[kSums] = {};
  Index k = 0;
  for (; k + kSums <= count; k += kSums) {
    for (Index i = 0; i < kSums; ++i) {
      const auto number = static_cast<double>(numbers[k + i]);
      sums[i] += number * number;
    }
  }
  for (; k < count; ++k) {
    const auto number = static_cast<double>(numbers[k]);
    sums[k % kSums] += number * number;
  }
  double square = 0;
  for (const double sum : sums) square += sum;
  return square;
}

double SnapshotBlock::scale_of(Index row, Index dimension) const {
  const double square = square_of(rows.row(row), dimension);
  return square > 0 ? 1 / std::sqrt(square) : 0;
}

void SnapshotBlocks::append(std::span<const Index> ids, std::span<const Index> identities,
                            std::span<const float> embeddings) {
  std::shared_ptr<SnapshotBlock> last;
  if (!ids.empty() && size % SnapshotBlock::kRows != 0) {
    last = copy_of(*blocks.back(), dimension);
    blocks.back() = last;
  }
  for (std::size_t i = 0; i < ids.size(); ++i, ++size) {
    if (size % SnapshotBlock::kRows == 0) {
      last = empty_block(dimension);
      blocks.push_back(last);
    }
    push(*last, ids[i], identities[i], embeddings.data() + i * static_cast<std::size_t>(dimension),
         dimension);
  }
}

void SnapshotBlocks::remove(std::span<const Index> removed) {
  const auto has_removed = [&](const std::shared_ptr<const SnapshotBlock>& block) {
    return std::ranges::any_of(block->ids,
                               [&](Index id) { return std::ranges::binary_search(removed, id); });
  };
  const auto first = std::ranges::find_if(blocks, has_removed);
  const std::vector<std::shared_ptr<const SnapshotBlock>> behind(first, blocks.end());
  blocks.erase(first, blocks.end());
  if (behind.empty()) return;
  size = static_cast<Index>(blocks.size()) * SnapshotBlock::kRows;
  std::shared_ptr<SnapshotBlock> last;
  for (const auto& block : behind) {
    for (Index i = 0; i < block->count(); ++i) {
      const auto row = static_cast<std::size_t>(i);
      if (std::ranges::binary_search(removed, block->ids[row])) continue;
      if (size++ % SnapshotBlock::kRows == 0) {
        last = empty_block(dimension);
        blocks.push_back(last);
      }
      push(*last, block->ids[row], block->identities[row], block->rows.row(i), dimension);
    }
  }
}

}  // namespace kindred
