#pragma once
#include <memory>
#include <span>
#include <vector>

#include "kindred/core/process_group.h"
#include "kindred/loss/loss.h"

namespace kindred {

class GradientTree;

inline namespace KINDRED_SCALAR {

/// The classes of a head, cut into parts: runs of classes, which follow from the recipe alone. Each
/// rank has a run of parts, with the weights, gradients and moments of their classes. What is
/// summed over classes is summed within each part, and then over the parts in their order: the same
/// bits for any number of ranks.
class ClassParts {
 public:
  static constexpr Index kMost = 32;  ///< so many ranks can have classes
  /// Rows of weights in a part: more than half as many, since parts are a power of 2, unless the
  /// head has fewer; smaller products would cost more.
  static constexpr Index kPartRows = 512;

  ClassParts(const LossContext& context, Index rows_of_class);

  Index count() const { return count_; }
  Index first_class(Index part) const { return begin_of_part(classes_, part, count_); }
  Index class_count(Index part) const { return first_class(part + 1) - first_class(part); }

  /// This rank's: parts [first(), end()), and their classes.
  Index first() const { return begin_of_part(count_, rank_, ranks_); }
  Index end() const { return begin_of_part(count_, rank_ + 1, ranks_); }
  Index own_first_class() const { return first_class(first()); }
  Index own_classes() const { return first_class(end()) - first_class(first()); }

  /// Of `row` numbers for each class.
  SegmentParts segment(Index row) const;

  /// What each rank has made of its parts, at all ranks. `all`: equally many for each part.
  template <typename T>
  void gather(std::span<T> all) {
    gather_bytes(std::as_writable_bytes(all));
  }

  /// The ranks, or nullptr where this process is alone.
  ProcessGroup* group() const { return ranks_ > 1 ? group_ : nullptr; }

 private:
  void gather_bytes(std::span<std::byte> all);

  ProcessGroup* group_;
  Index rank_;
  Index ranks_;
  Index classes_;
  Index count_;
  std::vector<Index> begins_;  // bytes of each rank, in gather()
};

/// One array for each part, added up over all parts in a tree of pairs.
class PartSums {
 public:
  /// REQUIRES: parts outlives it.
  PartSums(const ClassParts& parts, Index size);
  ~PartSums();

  /// Of a part of this rank's: [size], to be written before every sum().
  Scalar* of_part(Index part) { return own_.row(part - parts_.first()); }
  /// The sum, at all ranks; stands until the next. The parts' arrays are spent.
  std::span<const Scalar> sum(const Workers& workers);

 private:
  const ClassParts& parts_;
  ScalarMatrix own_;                    // [own parts, size]
  std::unique_ptr<GradientTree> tree_;  // of several ranks
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
