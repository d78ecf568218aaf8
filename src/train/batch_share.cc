#include "train/batch_share.h"

namespace kindred {

BatchShare::BatchShare(ProcessGroup& group, Index slices, Index gradient_rows)
    : group_(group),
      slices_(slices),
      rows_(gradient_rows),
      first_row_(begin_of_part(gradient_rows, group.rank(), group.size())),
      own_rows_(begin_of_part(gradient_rows, group.rank() + 1, group.size()) - first_row_),
      first_slice_(first_slice_of(first_row_)),
      own_slices_(first_slice_of(first_row_ + own_rows_) - first_slice_),
      begins_(static_cast<std::size_t>(group.size()) + 1) {}

void BatchShare::gather(MatrixView rows, Index each, Traffic& traffic) {
  if (is_whole() || rows.empty()) return;
  const Index bytes = each * rows.stride() * static_cast<Index>(sizeof(float));
  for (int r = 0; r <= group_.size(); ++r) {
    begins_[static_cast<std::size_t>(r)] =
        bytes * first_slice_of(begin_of_part(rows_, r, group_.size()));
  }
  const std::span<float> numbers(rows.row(0),
                                 static_cast<std::size_t>(rows.rows() * rows.stride()));
  const Traffic before = group_.traffic();
  group_.gather(std::as_writable_bytes(numbers), begins_);
  traffic.add(before, group_.traffic());
}

}  // namespace kindred
