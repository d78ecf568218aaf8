#include "eval/scores/score_blocks.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "eval/scores/score_kernels.h"

namespace kindred {
namespace {

constexpr Index kReadable = 64;  // columns beyond the gallery are filled up to a multiple of it

const TileKernels<float>& tile_kernels() { return kernels<TileKernels<float>>(); }

Operand<float> operand_of(const Matrix& rows, Index count) {
  return {rows.data(), count, rows.cols(), rows.stride(), 1};
}

Index at(std::span<const Index> order, Index i) {
  return order.empty() ? i : order[static_cast<std::size_t>(i)];
}

Index block_elements(Index dimension) {
  return tile_kernels().right().padded(Gallery::kBlock) * dimension;
}

}  // namespace

Gallery::Gallery(const Workers& workers, const RowsView& rows, const Screen& screen,
                 std::span<const Index> order)
    : size_(order.empty() ? rows.rows() : static_cast<Index>(order.size())),
      dimension_(rows.cols()),
      screen_(screen),
      packed_(blocks_of(size_, kBlock) * block_elements(dimension_)),
      squares_(screen.measures_distances() ? round_up(size_, kBlock) : 0),
      errors_(size_) {
  assert(kBlock % tile_kernels().cols == 0 && kBlock % kReadable == 0);
  struct Scratch {
    Matrix rows;
    Buffer<double> numbers;
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(workers.threads()));
  workers.for_blocks(size_, kBlock, [&](Index begin, Index end, int worker) {
    Scratch& own = scratch[static_cast<std::size_t>(worker % workers.threads())];
    if (own.rows.rows() == 0) own = {Matrix(kBlock, dimension_), Buffer<double>(dimension_)};
    for (Index i = begin; i < end; ++i) {
      const Screen::Row row = screen.prepare(rows, at(order, i), Screen::Side::gallery,
                                             own.numbers.data(), own.rows.row(i - begin));
      errors_[i] = row.error;
      if (squares_.size() > 0) squares_[i] = row.square;
    }
    tile_kernels().pack_right(operand_of(own.rows, end - begin), 0,
                              tile_kernels().right().count(end - begin),
                              packed_.data() + begin / kBlock * block_elements(dimension_));
  });
  for (Index i = 0; i < size_; ++i) largest_error_ = std::max(largest_error_, errors_[i]);
}

Index QueryBlock::most_rows() { return round_up(128, tile_kernels().rows); }

Index QueryBlock::rows_per_task(Index queries) {
  constexpr Index kWantedTasks = 32;
  return std::min(most_rows(), round_up(std::max<Index>(1, blocks_of(queries, kWantedTasks)),
                                        tile_kernels().rows));
}

QueryBlock::QueryBlock(const Gallery& gallery)
    : gallery_(gallery),
      rows_(most_rows(), gallery.dimension()),
      packed_(tile_kernels().left().padded(most_rows()) * gallery.dimension()),
      squares_(most_rows()),
      errors_(most_rows()),
      scratch_(gallery.dimension()),
      // Sixteen more columns: rows a multiple of 2 KiB apart would share few sets of the cache.
      tile_(most_rows(), Gallery::kBlock + 16) {}

void QueryBlock::load(const RowsView& queries, std::span<const Index> order, Index begin,
                      Index end) {
  assert(end - begin <= most_rows() && queries.cols() == gallery_.dimension_);
  count_ = end - begin;
  for (Index i = 0; i < count_; ++i) {
    const Screen::Row row = gallery_.screen_.prepare(
        queries, at(order, begin + i), Screen::Side::query, scratch_.data(), rows_.row(i));
    squares_[i] = row.square;
    errors_[i] = row.error;
  }
  tile_kernels().pack_left(operand_of(rows_, count_), 0, tile_kernels().left().count(count_),
                           packed_.data());
}

ScoreTile QueryBlock::score(Index block) {
  return score_part(block, 0, count_, 0, Gallery::kBlock);
}

ScoreTile QueryBlock::score_part(Index block, Index begin, Index end, Index first, Index last) {
  const Index offset = block * Gallery::kBlock;
  const Index cols = std::min(Gallery::kBlock, gallery_.size_ - offset);
  begin = begin / tile_kernels().rows * tile_kernels().rows;
  first = first / tile_kernels().cols * tile_kernels().cols;
  last = std::min(last, cols);
  const Factor<float> left{packed_.data(), count_};
  const Factor<float> right{gallery_.packed_.data() + block * block_elements(gallery_.dimension_),
                            cols};
  tile_kernels().multiply_block(left, begin, end - begin, right, first, last - first,
                                gallery_.dimension_, tile_.row(begin) + first, tile_.stride(),
                                false);
  if (gallery_.screen_.measures_distances()) {
    const float* squares = gallery_.squares_.data() + offset;
    for (Index i = begin; i < end; ++i) {
      kernels<ScoreKernels>().finish_euclidean(tile_.row(i) + first, last - first, squares_[i],
                                               squares + first);
    }
  }
  const Index readable = round_up(cols, kReadable);
  for (Index i = begin; i < end && last == cols; ++i) {
    std::fill(tile_.row(i) + cols, tile_.row(i) + readable,
              -std::numeric_limits<float>::infinity());
  }
  return {{tile_.data(), count_, cols, tile_.stride()}, offset};
}

}  // namespace kindred
