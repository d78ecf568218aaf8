#pragma once
#include <vector>

#include "kindred/core/matrix.h"
#include "kindred/core/process_group.h"

namespace kindred {

/// What of a batch is this rank's: a run of the gradient rows, and the slices that go into these.
/// With more ranks than rows some have none.
class BatchShare {
 public:
  BatchShare(ProcessGroup& group, Index slices, Index gradient_rows);

  ProcessGroup& group() const { return group_; }
  /// By one process.
  bool is_whole() const { return group_.size() == 1; }
  Index first_row() const { return first_row_; }
  Index own_rows() const { return own_rows_; }
  Index first_slice() const { return first_slice_; }
  Index own_slices() const { return own_slices_; }
  /// Of a gradient row of the batch; of the rows' end, the slices' end.
  Index first_slice_of(Index row) const { return row * slices_ / rows_; }

  /// What each rank has made of its slices, at all ranks: `each` rows a slice. Adds to `traffic`.
  void gather(MatrixView rows, Index each, Traffic& traffic);

 private:
  ProcessGroup& group_;
  Index slices_;
  Index rows_;
  Index first_row_;
  Index own_rows_;
  Index first_slice_;
  Index own_slices_;
  std::vector<Index> begins_;  // bytes
};

}  // namespace kindred
