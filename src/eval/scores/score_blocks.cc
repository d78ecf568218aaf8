#include "eval/scores/score_blocks.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "eval/scores/byte_kernels.h"
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

const ByteKernels& byte_kernels() { return kernels<ByteKernels>(); }

constexpr Index kGroup = 4;  // numbers of a row that lie together

Index byte_groups(Index dimension) { return blocks_of(dimension, kGroup); }

Index block_bytes(Index dimension) { return Gallery::kBlock * kGroup * byte_groups(dimension); }

/// One worker's, to prepare a block of rows.
template <typename T>
struct Scratch {
  Buffer<T> rows;
  Buffer<double> numbers;
  void make(Index count, Index dimension) {
    if (numbers.size() > 0) return;
    rows = Buffer<T>(count * dimension);
    numbers = Buffer<double>(dimension);
  }
};

/// prepare(i, numbers, dst) for each of `count` rows, a block's one after the other, then
/// pack(rows, begin, end) of the block; blocks by all workers.
template <typename T, typename Prepare, typename Pack>
void pack_blocks(const Workers& workers, Index count, Index dimension, Prepare prepare, Pack pack) {
  std::vector<Scratch<T>> scratch(static_cast<std::size_t>(workers.threads()));
  workers.for_blocks(count, Gallery::kBlock, [&](Index begin, Index end, int worker) {
    Scratch<T>& own = scratch[static_cast<std::size_t>(worker % workers.threads())];
    own.make(Gallery::kBlock, dimension);
    for (Index i = begin; i < end; ++i) {
      prepare(i, own.numbers.data(), own.rows.data() + (i - begin) * dimension);
    }
    pack(own.rows.data(), begin, end);
  });
}

}  // namespace

Gallery::Gallery(const Workers& workers, const RowsView& rows, const Screen& screen,
                 std::span<const Index> order, Detail detail)
    : size_(order.empty() ? rows.rows() : static_cast<Index>(order.size())),
      dimension_(rows.cols()),
      screen_(screen),
      detail_(detail),
      squares_(screen.measures_distances() ? round_up(size_, kBlock) : 0),
      errors_(size_) {
  assert(kBlock % tile_kernels().cols == 0 && kBlock % kReadable == 0);
  if (detail == Detail::bytes) {
    pack_bytes(workers, rows, order);
  } else {
    pack_floats(workers, rows, order);
  }
}

bool Gallery::may_be_bytes(const Screen& screen, Index dimension) {
  constexpr Index kMostDimension = 1 << 14;  // the sums stay within 31 bits
  return multiplies_bytes() && byte_kernels().there && !screen.measures_distances() &&
         dimension <= kMostDimension;
}

void Gallery::pack_floats(const Workers& workers, const RowsView& rows,
                          std::span<const Index> order) {
  packed_ = Buffer<float>(blocks() * block_elements(dimension_));
  pack_blocks<float>(
      workers, size_, dimension_,
      [&](Index i, double* numbers, float* dst) {
        const Screen::Row row =
            screen_.prepare(rows, at(order, i), Screen::Side::gallery, numbers, dst);
        errors_[i] = row.error;
        if (squares_.size() > 0) squares_[i] = row.square;
      },
      [&](const float* made, Index begin, Index end) {
        tile_kernels().pack_right({made, end - begin, dimension_, dimension_, 1}, 0,
                                  tile_kernels().right().count(end - begin),
                                  packed_.data() + begin / kBlock * block_elements(dimension_));
      });
  for (Index i = 0; i < size_; ++i) largest_error_ = std::max(largest_error_, errors_[i]);
}

void Gallery::pack_bytes(const Workers& workers, const RowsView& rows,
                         std::span<const Index> order) {
  const Index cols = byte_kernels().cols;
  bytes_ = Buffer<std::uint8_t>(blocks() * block_bytes(dimension_));
  scales_ = Buffer<float>(blocks() * kBlock);
  std::fill_n(scales_.data(), scales_.size(), 0.0F);
  std::vector<Screen::ByteRow> made(static_cast<std::size_t>(size_));
  pack_blocks<std::int8_t>(
      workers, size_, dimension_,
      [&](Index i, double* numbers, std::int8_t* dst) {
        const Screen::ByteRow row =
            screen_.prepare_bytes(rows, at(order, i), Screen::Side::gallery, numbers, dst);
        scales_[i] = row.scale;
        made[static_cast<std::size_t>(i)] = row;
      },
      [&](const std::int8_t* bytes, Index begin, Index end) {
        for (Index first = begin; first < end; first += cols) {
          byte_kernels().pack_right(bytes + (first - begin) * dimension_,
                                    std::min(cols, end - first), dimension_, dimension_,
                                    bytes_.data() + first * kGroup * byte_groups(dimension_));
        }
      });
  for (const Screen::ByteRow& row : made) bounds_.widen(row);
  // A row as a query: the other side is this gallery.
  for (Index i = 0; i < size_; ++i) {
    errors_[i] = screen_.byte_error(made[static_cast<std::size_t>(i)], bounds_);
  }
}

Index QueryBlock::most_rows() { return round_up(128, tile_kernels().rows); }

Index QueryBlock::rows_per_task(Index queries) {
  constexpr Index kWantedTasks = 32;
  return std::min(most_rows(), round_up(std::max<Index>(1, blocks_of(queries, kWantedTasks)),
                                        tile_kernels().rows));
}

QueryBlock::QueryBlock(const Gallery& gallery)
    : gallery_(gallery),
      rows_(gallery.detail_ == Detail::floats ? most_rows() : 0, gallery.dimension()),
      packed_(tile_kernels().left().padded(rows_.rows()) * gallery.dimension()),
      byte_rows_(gallery.detail_ == Detail::bytes ? most_rows() * gallery.dimension() : 0),
      bytes_(byte_rows_.size() > 0 ? most_rows() * kGroup * byte_groups(gallery.dimension()) : 0),
      sums_(most_rows()),
      scales_(most_rows()),
      squares_(most_rows()),
      errors_(most_rows()),
      scratch_(gallery.dimension()),
      // Sixteen more columns: rows a multiple of 2 KiB apart would share few sets of the cache.
      tile_(most_rows(), Gallery::kBlock + 16) {}

void QueryBlock::load(const RowsView& queries, std::span<const Index> order, Index begin,
                      Index end) {
  assert(end - begin <= most_rows() && queries.cols() == gallery_.dimension_);
  count_ = end - begin;
  if (gallery_.detail_ == Detail::bytes) return load_bytes(queries, order, begin);
  for (Index i = 0; i < count_; ++i) {
    const Screen::Row row = gallery_.screen_.prepare(
        queries, at(order, begin + i), Screen::Side::query, scratch_.data(), rows_.row(i));
    squares_[i] = row.square;
    errors_[i] = row.error;
  }
  tile_kernels().pack_left(operand_of(rows_, count_), 0, tile_kernels().left().count(count_),
                           packed_.data());
}

void QueryBlock::load_bytes(const RowsView& queries, std::span<const Index> order, Index begin) {
  const Index size = gallery_.dimension_;
  const Index rows = byte_kernels().rows;
  for (Index i = 0; i < count_; ++i) {
    std::int8_t* const numbers = byte_rows_.data() + i * size;
    const Screen::ByteRow row = gallery_.screen_.prepare_bytes(
        queries, at(order, begin + i), Screen::Side::query, scratch_.data(), numbers);
    scales_[i] = row.scale;
    errors_[i] = gallery_.screen_.byte_error(row, gallery_.bounds_);
    sums_[i] = 0;
    for (Index k = 0; k < size; ++k) sums_[i] += 128 * numbers[k];  // right numbers are 128 more
  }
  for (Index first = 0; first < count_; first += rows) {
    byte_kernels().pack_left(byte_rows_.data() + first * size, std::min(rows, count_ - first), size,
                             size, bytes_.data() + first * kGroup * byte_groups(size));
  }
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
  if (gallery_.detail_ == Detail::bytes) {
    const ByteKernels::Left left{bytes_.data(), sums_.data(), scales_.data()};
    const ByteKernels::Right right{
        gallery_.bytes_.data() + block * block_bytes(gallery_.dimension_),
        gallery_.scales_.data() + offset};
    byte_kernels().multiply(left, begin, end - begin, right, first, last - first,
                            byte_groups(gallery_.dimension_), tile_.row(begin), tile_.stride());
  } else {
    const Factor<float> left{packed_.data(), count_};
    const Factor<float> right{gallery_.packed_.data() + block * block_elements(gallery_.dimension_),
                              cols};
    tile_kernels().multiply_block(left, begin, end - begin, right, first, last - first,
                                  gallery_.dimension_, tile_.row(begin) + first, tile_.stride(),
                                  false);
  }
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
