#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "eval/scores/exact_scores.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/retrieval.h"

/// Re-ranking with k-reciprocal encoding (Zhong et al. 2017, "Re-ranking Person Re-identification
/// with k-reciprocal Encoding"; d is the squared Euclidean distance of unit rows over the largest
/// of its row, as in the authors' program). Two samples are near when the same others have both
/// among their nearest.
namespace kindred {

/// A row of the encoding: weights that sum to 1, by rising row number.
struct SparseRow {
  std::vector<std::uint32_t> columns;
  std::vector<float> weights;
};

/// Distances after re-ranking, one query at a time; memory grows with the rows times k1 k2, not
/// with queries × gallery. Thread-safe once made.
class Reranker {
 public:
  /// One matrix for all: queries are rows [first_query, first_query + queries) of it and the
  /// gallery rows [0, gallery). Leave-one-out: the same rows. They have to outlive this.
  Reranker(const Workers& workers, ConstMatrixView rows, Index gallery, Index first_query,
           const Rerank& options);

  /// scores(i, j): minus the final distance of query first + i to gallery row j.
  void score(Index first, MatrixView scores) const;

 private:
  struct Entry {
    std::uint32_t row;
    float weight;
  };

  std::span<const Entry> column(std::uint32_t index) const;

  Index gallery_;
  Index first_query_;
  float lambda_;
  ExactScores exact_;
  std::vector<double> farthest_;     // of each row: its largest squared distance
  std::vector<SparseRow> encoding_;  // of each row, after the query expansion
  std::vector<Entry> columns_;       // the gallery's rows of it, column by column
  std::vector<std::size_t> begin_;   // of each column
};

}  // namespace kindred
