#pragma once
#include <algorithm>

#include "eval/scores/exact_kernels.h"
#include "kindred/core/matrix.h"

namespace kindred {

/// Rows that somebody else owns, of float32 (embeddings) or float64 (what was made of them).
/// Denormal float32 numbers count as zero, as they do wherever Kindred computes. REQUIRES: a
/// ComputeScope, which all workers are in.
class RowsView {
 public:
  RowsView(ConstMatrixView rows)  // NOLINT: embeddings are such rows
      : floats_(rows), rows_(rows.rows()), cols_(rows.cols()) {}
  RowsView(BasicView<const double> rows)  // NOLINT: as above
      : doubles_(rows), rows_(rows.rows()), cols_(rows.cols()) {}
  RowsView(const BasicMatrix<double>& rows) : RowsView(rows.view()) {}  // NOLINT

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }

  /// dst[k] := number k of the row.
  void widen(Index row, double* dst) const {
    if (doubles_.data() != nullptr) {
      std::copy_n(doubles_.row(row), cols_, dst);
      return;
    }
    const float* const src = floats_.row(row);
    for (Index k = 0; k < cols_; ++k) dst[k] = static_cast<double>(src[k]);
  }
  double dot(const double* a, Index row) const {
    const ExactKernels& sums = kernels<ExactKernels>();
    return doubles_.data() != nullptr ? sums.dot_of_doubles(a, doubles_.row(row), cols_)
                                      : sums.dot(a, floats_.row(row), cols_);
  }
  double squared_distance(const double* a, Index row) const {
    const ExactKernels& sums = kernels<ExactKernels>();
    return doubles_.data() != nullptr
               ? sums.squared_distance_of_doubles(a, doubles_.row(row), cols_)
               : sums.squared_distance(a, floats_.row(row), cols_);
  }
  /// A row that is wanted soon is on its way from memory.
  void prefetch(Index row) const {
    constexpr Index kLine = 64;
    constexpr Index kMost = 32 * kLine;  // hardware sees the rest coming
    const Index bytes =
        cols_ * static_cast<Index>(doubles_.data() != nullptr ? sizeof(double) : sizeof(float));
    const char* const from = doubles_.data() != nullptr
                                 ? reinterpret_cast<const char*>(doubles_.row(row))
                                 : reinterpret_cast<const char*>(floats_.row(row));
    for (Index at = 0; at < std::min(bytes, kMost); at += kLine) __builtin_prefetch(from + at);
  }

 private:
  ConstMatrixView floats_;
  BasicView<const double> doubles_;
  Index rows_;
  Index cols_;
};

}  // namespace kindred
