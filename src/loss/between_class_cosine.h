#pragma once
#include <cstdint>
#include <limits>
#include <span>

#include "kindred/core/buffer.h"
#include "kindred/core/scalar.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// How alike the rows of different classes are: the mean of their cosines, which nears 1 when
/// embeddings collapse to one point, whatever the loss. From the sums of unit rows,
///   Σ_{i, j of two classes} u_i·u_j = ‖Σ u‖² − Σ_classes ‖Σ_{own} u‖²,
/// so that it costs one pass over the batch. Allocates at construction only.
class BetweenClassCosine {
 public:
  BetweenClassCosine() = default;
  /// The most rows, and their numbers.
  BetweenClassCosine(Index batch, Index depth);

  /// `unit` [B, D] has rows of length 1, or of zeros where `lengths` [B] is 0: these count as equal
  /// among each other and across all others. `labels` [B]; empty: every row is a class of its own.
  void measure(ConstScalarView unit, std::span<const Scalar> lengths,
               std::span<const std::int64_t> labels);
  /// Of rows whose directions say nothing, as predictions do: 1 where all are equal, else no
  /// number.
  void measure_equality(ConstScalarView rows);
  /// NaN where there is no number.
  double mean() const { return mean_; }

 private:
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  double mean_ = kNone;
  Buffer<Index> order_;  // rows, by label
  Buffer<double> all_;   // sum of the rows; the last number counts those of zeros
  Buffer<double> own_;   // of one class
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
