#pragma once
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "core/lanes.h"
#include "kindred/core/buffer.h"
#include "kindred/core/function_ref.h"
#include "kindred/core/process_group.h"
#include "kindred/loss/loss.h"
#include "loss/bases/anchor_share.h"

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

/// The numbers between the rows of a batch and reference rows [B, R], and the chain rule back to
/// the rows: a loss over pairs fills in only its value and d loss / d number. The references are
/// the batch itself, or rows that count as constants (past embeddings).
///
/// The numbers come from one product of the rows; where that loses digits (nearer than
/// 0.001 of the two squared lengths) they are computed again from the difference of the rows, so
/// that equal rows have distance exactly 0 and cosine exactly 1. Of a batch with itself the matrix
/// is symmetric bit for bit. The gradient of a distance at 0 is 0.
class PairMatrix {
 public:
  /// `normalize`: unit rows instead of the raw embeddings; always so for cosines. `references`:
  /// the most reference rows, 0 for the batch itself.
  PairMatrix(const LossContext& context, Measure measure, bool normalize, Index references = 0);

  /// Computes the numbers of a batch with itself, and calls then(i, worker) as soon as row i
  /// stands, while it is in cache; rows run in parallel, so that then() may read row i only.
  void measure(const Workers& workers, const LossInput& input,
               FunctionRef<void(Index row, int worker)> then);
  /// The same with `references` [R, D], rows of the kind normalize() says, which must stay.
  void measure(const Workers& workers, const LossInput& input, ConstScalarView references,
               FunctionRef<void(Index row, int worker)> then);

  /// Lets ranks share out the anchors (AnchorShare), from the next measure() on; nullptr: no
  /// longer. measure() then works on this rank's rows alone, and meet() has to follow it.
  void share_rows(ProcessGroup* group) { share_.set_group(group); }
  /// Gives every rank what the others' anchors have chosen: their entry of `of_rows` [B], their few
  /// numbers of values() and gradient(), and statistics (`of_roots`: as there). Where one anchor
  /// has more than a few, all rows are measured here after all, with `then`, and nothing is shared
  /// out any more.
  template <typename T>
  void meet(const Workers& workers, std::span<T> of_rows, FunctionRef<void(Index, int)> then,
            bool of_roots = false) {
    if (share_.is_on(batch(), references())) {
      meet_bytes(workers, std::as_writable_bytes(of_rows), then, of_roots);
    }
  }

  bool normalize() const { return normalize_; }
  Index batch() const { return rows_.rows(); }
  Index references() const { return references_.rows(); }
  /// [B, R]; distances are 0 on the diagonal of a batch with itself. Rows go on with zeros to a
  /// multiple of 64 bytes.
  ConstScalarView values() const {
    return {values_.data(), batch(), references(), values_.stride()};
  }
  /// Mean and spread of the numbers off the diagonal, over 64 to 127 rows spread evenly through
  /// a greater batch; of their square roots with `of_roots`.
  PairStatistics statistics(bool of_roots = false) const;

  /// [B, R], for the loss to fill with d loss / d values(i, j), every row whole.
  ScalarView gradient();
  /// Says that row i of gradient() stands; rows in parallel. Where every row was told of and has
  /// few numbers but zeros (mined pairs), backward() takes these alone.
  void row_stands(Index i);
  /// The same of a loss that knows them, for meet(): `chosen` are the pairs of row i that it will
  /// add_pair(); -1 for none.
  void choose(Index i, std::initializer_list<Index> chosen);
  /// Where the numbers of row i are that are few; nothing where nobody said, or they are many.
  std::optional<std::span<const LaneInt>> few_of(Index i) const;
  /// Adds factor · gradient() through the chain rule to the output. Overwrites gradient().
  void backward(const Workers& workers, double factor, LossOutput& output);
  /// Adds `gradient` = d loss / d values(i, j) through the chain rule to row i of the output, and
  /// to row j if the references are the batch itself. One caller at a time.
  void add_pair(Index i, Index j, double gradient, LossOutput& output) const;

 private:
  bool with_itself() const { return references_.data() == rows_.data(); }
  void multiply_rows(const Workers& workers, RowRun rows);
  void measure_rows(const Workers& workers, RowRun rows,
                    FunctionRef<void(Index row, int worker)> then);
  void measure_lengths(const Workers& workers);
  void meet_bytes(const Workers& workers, std::span<std::byte> of_rows,
                  FunctionRef<void(Index, int)> then, bool of_roots);
  RowSums sums_of_row(Index i, bool of_roots) const;
  bool is_sampled(Index i) const;  // for statistics()
  void measure_row(Index i);
  template <Measure kind>
  void measure_row_by(Index i);
  Lanes by_square(const Lanes& gradient, const Lanes& value) const;
  void fold_tiles(Index tile_row, Scalar scale);
  void finish_row(Index i, double factor, ScalarView diff);
  ScalarView diff_of(LossOutput& output) const {
    return normalize_ ? output.diff_unit : output.diff_embeddings;
  }

  Measure measure_;
  bool normalize_;
  ConstScalarView rows_;        // of the batch at hand
  ConstScalarView references_;  // what they are compared with
  ScalarMatrix values_;
  ScalarMatrix gradient_;
  Index most_few_;           // numbers of a row that are few
  Buffer<LaneInt> few_;      // [B, most_few_]: where they are
  Buffer<Index> few_count_;  // of each row; -1 where there are more, or nobody said
  AnchorShare share_;
  Buffer<Scalar> row_lengths_;        // squared, of the rows
  Buffer<Scalar> reference_lengths_;  // squared, of the references
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
