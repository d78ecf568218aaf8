#pragma once
#include <string>

#include "kindred/core/buffer.h"
#include "kindred/core/function_ref.h"
#include "kindred/loss/loss.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Which number stands between two rows.
enum class Measure {
  similarity,         ///< a·b, the cosine of unit rows: greater is nearer
  cosine,             ///< 1 − a·b
  euclidean,          ///< ‖a − b‖
  squared_euclidean,  ///< ‖a − b‖²
};
/// "cosine", "euclidean" or "squared_euclidean": the values of the setting `distance`.
Measure measure_of(const std::string& distance);

/// What a log shows of all pairs of a batch, so that a collapse to one point is seen.
struct PairStatistics {
  double mean = 0;    ///< over pairs of different rows
  double spread = 0;  ///< standard deviation
};

/// The numbers between all rows of a batch [B, B], and the chain rule back to the rows: a loss
/// over pairs fills in only its value and d loss / d number.
///
/// The numbers come from one product of the rows; where that loses digits (nearer than
/// 0.001 of the two squared lengths) they are computed again from the difference of the rows, so
/// that equal rows have distance exactly 0 and cosine exactly 1. The matrix is symmetric bit for
/// bit. The gradient of a distance at 0 is 0.
class PairMatrix {
 public:
  /// `normalize`: unit rows instead of the raw embeddings.
  PairMatrix(const LossContext& context, Measure measure, bool normalize);

  /// Computes the numbers of a batch, and calls then(i) as soon as row i stands, while it is in
  /// cache; rows run in parallel, so that then(i) may read row i only.
  void measure(const Workers& workers, const LossInput& input, FunctionRef<void(Index row)> then);

  Index batch() const { return rows_.rows(); }
  /// [B, B]; the diagonal is 0 for distances. Rows go on with zeros to a multiple of 64 bytes.
  ConstScalarView values() const { return {values_.data(), batch(), batch(), values_.stride()}; }
  /// Mean and spread of the numbers off the diagonal, over 64 to 127 rows spread evenly through
  /// a greater batch; of their square roots with `of_roots`.
  PairStatistics statistics(bool of_roots = false) const;

  /// [B, B], for the loss to fill with d loss / d values(i, j), every row whole.
  ScalarView gradient();
  /// Adds factor · gradient() through the chain rule to the output. Overwrites gradient().
  void backward(const Workers& workers, double factor, LossOutput& output);
  /// For losses that use few pairs: adds `gradient` = d loss / d values(i, j) through the chain
  /// rule to rows i and j of the output. One caller at a time.
  void add_pair(Index i, Index j, double gradient, LossOutput& output) const;

 private:
  template <Measure kind>
  void measure_row(Index i);
  void fold_tiles(Index tile_row, double factor);
  void finish_row(Index i, double factor, ScalarView diff);
  ScalarView diff_of(LossOutput& output) const {
    return normalize_ ? output.diff_unit : output.diff_embeddings;
  }

  Measure measure_;
  bool normalize_;
  ConstScalarView rows_;  // of the batch at hand
  ScalarMatrix values_;
  ScalarMatrix gradient_;
  Buffer<Scalar> squared_lengths_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
