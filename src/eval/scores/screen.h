#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "eval/scores/rows_view.h"
#include "kindred/core/parallel.h"
#include "kindred/eval/metric.h"

namespace kindred {

/// How rows are made ready for scores in float32, and how far these may be from the exact ones.
///
/// A screen's scores are larger the nearer, in a unit of their own (from_exact):
///   products    x · y of rows scaled by powers of two, unit rows for the cosine
///   distances   2 x · y - (X + Y) <= 0, an upper bound of minus the squared distance, of rows
///               from which a common center was taken; of unit rows it stands for the cosine where
///               these lie close together
/// Centers and scales cost nothing but time where they are chosen badly: the bounds hold for any.
///
/// The bound, with u = 2^-24, p and r the prepared rows of lengths at most 1, D numbers each:
///   1. p_k is x_k within u |p_k|; so p · r is the scaled exact product within 2.1 u |p| |r|.
///   2. The product (core/matmul_tile.h) is a chain of additions: each rounds by at most u times
///      the sum so far (and, where nothing is fused, u |p_k r_k|). The sum over numbers I of a
///      chain so far is at most |p_I| |r_I|; all of them, by Cauchy and Schwarz, at most
///      sqrt(A_p A_r), where A_p is the sum of |p_I|² over all beginnings I of chains.
///   3. What is below 2^-126 becomes zero: at most 2^-126 for each of 4 D operations.
///   So a product's error is at most e_p e_r + 4 D 2^-126 with e_p = sqrt(u (A_p + 5 |p|²)); the 5
///   leaves room for (u |p| |r|) rounding thresholds once more. A distance doubles that, at most
///   e_p² + e_r², and rounds four times more by at most u (|p|² + |r|²).
///   Factors of 1.02 and (1 + 2 D u) hold what is of second order, and the grid of tie levels
///   (exact_scores.h), 2^-42 of |p| |r|.
class Screen {
 public:
  enum class Side { query, gallery };

  Screen(const Workers& workers, RowsView queries, RowsView gallery, Similarity similarity);

  Similarity similarity() const { return similarity_; }
  bool measures_distances() const { return distances_; }

  struct Row {
    float square;  ///< X of the distances; else 0
    float error;   ///< of the products: e_p; of the distances: the row's share of the bound
  };
  /// Writes the row as products read it. `scratch` has room for a row.
  Row prepare(const RowsView& rows, Index row, Side side, double* scratch, float* dst) const;

  /// An exact score in the screen's unit, of a query that was prepared.
  double from_exact(double exact) const {
    const double score = slope_ * exact + offset_;
    return distances_ ? std::min(score, 0.0) : score;  // a cosine may round to more than 1
  }

  /// A row of 8-bit numbers, which products read in place of the prepared one, and how far their
  /// score is from the exact one where it stands for products (not for distances):
  ///   With p = scale * numbers + d, p · r = p' r' + d_p · r + p' · d_r, where p' is what the
  ///   numbers say: by Cauchy and Schwarz within |d_p| |r| + |p'| |d_r|. The sum of numbers is
  ///   exact; its conversion and the two scales round by at most 3.01 u |p'| |r'|, and below 2^-126
  ///   to zero.
  /// So error = |d_p| R + |p'| (D + 4 u R'), with the largest lengths R, R' and the largest D =
  /// |d_r| of the other side.
  struct ByteRow {
    float scale;     ///< 0 of a row of zeros
    double length;   ///< |p|
    double coded;    ///< |p'|
    double residue;  ///< |d|
  };
  /// `dst`: rows.cols() numbers, from -127 to 127. REQUIRES: no distances.
  ByteRow prepare_bytes(const RowsView& rows, Index row, Side side, double* scratch,
                        std::int8_t* dst) const;
  /// The largest of many rows.
  struct ByteBounds {
    double length = 0;
    double coded = 0;
    double residue = 0;
    void widen(const ByteRow& row) {
      length = std::max(length, row.length);
      coded = std::max(coded, row.coded);
      residue = std::max(residue, row.residue);
    }
  };
  float byte_error(const ByteRow& row, const ByteBounds& others) const;

  /// The exact score is at most the screen's + above() and at least the screen's - below().
  float above(float query_error, float gallery_error) const {
    return distances_ ? 0 : query_error * gallery_error + flushed_;
  }
  float below(float query_error, float gallery_error) const {
    return distances_ ? 2.5F * (query_error + gallery_error) : above(query_error, gallery_error);
  }

 private:
  void choose_center(const Workers& workers, const RowsView& queries, const RowsView& gallery);
  /// The row in float64: unit for the cosine, without the center.
  void place(const RowsView& rows, Index row, double* dst) const;
  double longest(const Workers& workers, const RowsView& rows) const;

  Similarity similarity_;
  bool distances_ = false;
  std::vector<double> center_;  // of the distances
  double scales_[2] = {1, 1};   // by Side
  double slope_ = 1;
  double offset_ = 0;
  double absolute_ = 0;  // of unit rows' distances: roundings in float64
  float flushed_ = 0;
  double second_order_ = 1;
};

}  // namespace kindred
