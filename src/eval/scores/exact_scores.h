#pragma once
#include <cmath>

#include "eval/scores/rows_view.h"
#include "kindred/core/buffer.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

/// What a score is: float64 arithmetic on the two rows, which count as exact. The larger the
/// nearer:
///   cosine          a · b / sqrt(a · a  b · b); 0 where a row is all zeros
///   inner product   a · b
///   Euclidean       minus the squared distance, the sum of (a - b)²
/// Products of float32 numbers are exact in float64. With D numbers a row a score is within
/// (D / 16 + 8) 2^-53 of |a| |b|, or of the squared distance: 1e-13 for D = 10,000. Everything else
/// that Kindred computes about scores is a screen for these (eval/scores/screen.h).
namespace kindred {

/// Of a sum: the squared distance of two rows, otherwise their product; of these with the squares
/// a · a and b · b.
inline double score_of_sum(double sum, double aa, double bb, Similarity similarity) {
  if (similarity == Similarity::euclidean) {
    // Distances that are told as equal are equal here, too; this square's root is `distance` again.
    const double distance = std::sqrt(sum);
    return -(distance * distance);
  }
  if (similarity == Similarity::inner_product) return sum;
  return aa > 0 && bb > 0 ? sum / std::sqrt(aa * bb) : 0;
}

/// Of the query's numbers `a`, its square a · a, and a row with its square.
inline double exact_score(const double* a, double aa, const RowsView& rows, Index row, double bb,
                          Similarity similarity) {
  const bool distances = similarity == Similarity::euclidean;
  const double sum = distances ? rows.squared_distance(a, row) : rows.dot(a, row);
  return score_of_sum(sum, aa, bb, similarity);
}

/// The rows that are scored, with their squares. They have to outlive it.
class ExactScores {
 public:
  ExactScores(const Workers& workers, RowsView rows, Similarity similarity);

  RowsView rows() const { return rows_; }
  Similarity similarity() const { return similarity_; }
  /// x · x of a row; 0 where scores are Euclidean, which do not ask for it.
  double square(Index row) const { return squares_.size() > 0 ? squares_[row] : 0; }

 private:
  RowsView rows_;
  Similarity similarity_;
  Buffer<double> squares_;
};

/// One query's scores.
class ExactQuery {
 public:
  explicit ExactQuery(const ExactScores& scores)
      : scores_(scores), numbers_(scores.rows().cols()) {}

  void load(const RowsView& queries, Index query);
  double score(Index row) const {
    return exact_score(numbers_.data(), square_, scores_.rows(), row, scores_.square(row),
                       scores_.similarity());
  }
  void prefetch(Index row) const { scores_.rows().prefetch(row); }
  /// The score on a grid of 2^-43 (cosine), or at most 2^-42 of |a| |b| or of the squared distance:
  /// scores that are equal but for float64's roundings are equal here, and count as tied.
  double tie_level(Index row) const;

 private:
  const ExactScores& scores_;
  Buffer<double> numbers_;
  double square_ = 0;
};

}  // namespace kindred
