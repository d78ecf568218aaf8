#pragma once
#include <cstdint>
#include <span>

#include "kindred/core/buffer.h"
#include "kindred/core/scalar.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Which rows of a batch are of one class. Allocates at construction only.
class BatchClasses {
 public:
  explicit BatchClasses(Index batch);

  /// Groups the rows of `labels` [B]; B <= batch.
  void group(std::span<const std::int64_t> labels);

  /// Classes in the batch, in the order of their labels.
  Index count() const { return count_; }
  /// The rows of class `c` in [0, count()), ascending.
  std::span<const Index> members(Index c) const;
  /// The class of row i, in [0, count()).
  Index class_of(Index i) const { return class_of_[i]; }
  /// The rows of row i's class, i itself among them.
  std::span<const Index> kin(Index i) const { return members(class_of(i)); }

 private:
  Index count_ = 0;
  Buffer<Index> order_;     // rows by (label, row)
  Buffer<Index> first_;     // where class c starts in order_; one more at the end
  Buffer<Index> class_of_;  // [B]
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
