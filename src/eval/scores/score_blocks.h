#pragma once
#include <span>

#include "core/matmul_tile.h"
#include "kindred/core/buffer.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

/// Scores of queries against a gallery, computed block by block into memory that stays in cache
/// and is reduced there. A score is the larger the nearer:
///   cosine          inner product of unit rows (rows of zeros stay zeros and score 0)
///   inner product   q · g
///   Euclidean       minus the squared distance, 2 q · g - (q · q + g · g), at most 0
/// A score depends only on its two rows: equal rows give equal bits (core/matmul_tile.h), the
/// Euclidean score of equal rows is exactly 0.
namespace kindred {

/// A gallery prepared for scoring: rows in a given order, made unit where asked, packed.
/// Position p holds row order[p] (row p where `order` is empty).
class Gallery {
 public:
  static constexpr Index kBlock = 512;  ///< positions scored at a time; whole panels

  /// `rows` are not used after the construction.
  Gallery(const Workers& workers, ConstMatrixView rows, Similarity similarity,
          std::span<const Index> order = {});

  Index size() const { return size_; }
  Index dimension() const { return dimension_; }
  Index blocks() const { return blocks_of(size_, kBlock); }
  Similarity similarity() const { return similarity_; }

 private:
  friend class QueryBlock;
  Index size_;
  Index dimension_;
  Similarity similarity_;
  Buffer<float> packed_;   // block after block, each packed by itself
  Buffer<float> squares_;  // Euclidean only: x · x of each position
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
  void load(ConstMatrixView queries, std::span<const Index> order, Index begin, Index end);

  /// The scores of all loaded queries with block `block`. Valid until the next call; the caller may
  /// write into it.
  ScoreTile score(Index block);

  /// As score(), but only queries [begin, end) and positions [first, last) of the block are sure
  /// to be valid.
  ScoreTile score_part(Index block, Index begin, Index end, Index first, Index last);

 private:
  const Gallery& gallery_;
  Index count_ = 0;
  Matrix rows_;
  Buffer<float> packed_;
  Buffer<float> squares_;
  Matrix tile_;
};

}  // namespace kindred
