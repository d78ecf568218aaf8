#pragma once
#include <span>

#include "core/matmul_tile.h"
#include "eval/scores/screen.h"
#include "kindred/core/buffer.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"

/// A screen's scores (screen.h) of queries against a gallery, computed block by block into memory
/// that stays in cache and is reduced there. A score depends only on its two rows: equal rows give
/// equal bits (core/matmul_tile.h).
namespace kindred {

/// What products are made of: the wider bound of bytes lets more candidates pass, in a third of the
/// time.
enum class Detail { floats, bytes };

/// A gallery prepared for a screen: rows in a given order, packed. Position p holds row order[p]
/// (row p where `order` is empty). The screen has to outlive it.
class Gallery {
 public:
  static constexpr Index kBlock = 512;  ///< positions scored at a time; whole panels

  /// `rows` are not used after the construction. REQUIRES: of bytes, may_be_bytes().
  Gallery(const Workers& workers, const RowsView& rows, const Screen& screen,
          std::span<const Index> order = {}, Detail detail = Detail::floats);
  /// Whether this CPU multiplies bytes, and the screen's scores are products.
  static bool may_be_bytes(const Screen& screen, Index dimension);

  Index size() const { return size_; }
  Index dimension() const { return dimension_; }
  Detail detail() const { return detail_; }
  Index blocks() const { return blocks_of(size_, kBlock); }
  const Screen& screen() const { return screen_; }
  /// Screen::Row::error of the row at a position, as of a query.
  float error(Index position) const { return errors_[position]; }

  /// How far exact scores of a query may lie from the screen's: above, for all positions; below,
  /// for one; and between two scores that may stand in either order, for all.
  float above(float query_error) const {
    return detail_ == Detail::bytes ? query_error : screen_.above(query_error, largest_error_);
  }
  float below(float query_error, Index position) const {
    if (detail_ == Detail::bytes) return query_error;
    return screen_.below(query_error,
                         screen_.measures_distances() ? errors_[position] : largest_error_);
  }
  float width(float query_error) const {
    if (detail_ == Detail::bytes) return 2.02F * query_error;
    return 1.01F * (above(query_error) + screen_.below(query_error, largest_error_));
  }

 private:
  friend class QueryBlock;
  void pack_floats(const Workers& workers, const RowsView& rows, std::span<const Index> order);
  void pack_bytes(const Workers& workers, const RowsView& rows, std::span<const Index> order);

  Index size_;
  Index dimension_;
  const Screen& screen_;
  Detail detail_;
  Buffer<float> packed_;  // block after block, each packed by itself
  Buffer<std::uint8_t> bytes_;
  Buffer<float> scales_;  // of bytes: of each position
  Screen::ByteBounds bounds_;
  Buffer<float> squares_;  // of the distances only: X of each position
  Buffer<float> errors_;
  float largest_error_ = 0;
};

/// The scores of a few queries with one block of the gallery.
struct ScoreTile {
  MatrixView scores;  ///< [queries, kBlock or what is left]; readable up to a multiple of 64
                      ///< columns, where minus infinity stands
  Index first;        ///< position of its first column
};

/// One worker's queries and scores; reused from task to task.
class QueryBlock {
 public:
  /// Queries at most: 126 to 140, whole panels.
  static Index most_rows();

  /// How many queries a task takes: most_rows(), or fewer where few queries are to be shared out.
  static Index rows_per_task(Index queries);

  explicit QueryBlock(const Gallery& gallery);

  /// Takes rows order[begin, end) of `queries` (rows [begin, end) where `order` is empty); at most
  /// most_rows().
  void load(const RowsView& queries, std::span<const Index> order, Index begin, Index end);

  /// Screen::Row::error of a loaded query.
  float error(Index query) const { return errors_[query]; }

  /// The scores of all loaded queries with block `block`. Valid until the next call; the caller may
  /// write into it.
  ScoreTile score(Index block);

  /// As score(), but only queries [begin, end) and positions [first, last) of the block are sure
  /// to be valid.
  ScoreTile score_part(Index block, Index begin, Index end, Index first, Index last);

 private:
  void load_bytes(const RowsView& queries, std::span<const Index> order, Index begin);

  const Gallery& gallery_;
  Index count_ = 0;
  Matrix rows_;
  Buffer<float> packed_;
  Buffer<std::int8_t> byte_rows_;
  Buffer<std::int8_t> bytes_;
  Buffer<std::int32_t> sums_;
  Buffer<float> scales_;
  Buffer<float> squares_;
  Buffer<float> errors_;
  Buffer<double> scratch_;
  Matrix tile_;
};

}  // namespace kindred
