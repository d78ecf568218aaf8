#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kindred/core/process_group.h"
#include "kindred/core/scalar.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Rows [begin, end).
struct RowRun {
  Index begin = 0;
  Index end = 0;
};

/// Sums over the numbers of a row, for the statistics.
struct RowSums {
  double sum = 0;
  double squares = 0;
};

/// The anchors of a batch, shared out to ranks. A rank compares its own run of them with all
/// references, and mines; then every rank gets the pairs that were chosen, and computes gradients
/// as one process does. So the sums have its order, and what has to travel is few: 12 bytes a
/// pair. Losses that take all pairs are computed at every rank: their gradient has a number for
/// each pair, 16 MB of 2,048 rows, which take longer on a wire than to compute.
class AnchorShare {
 public:
  /// What a rank says of one of its anchors.
  struct Head {
    Index count = 0;  ///< of pairs; -1 where there are more than few
    RowSums sums;
  };
  struct Pair {
    std::int32_t reference = 0;
    Scalar value = 0;
    Scalar gradient = 0;
  };

  void set_group(ProcessGroup* group) { group_ = group; }
  /// Whether anchors are shared out: there are ranks, and enough to do.
  bool is_on(Index batch, Index references) const {
    return group_ != nullptr && group_->size() > 1 && !given_up_ && batch * references >= kLeast;
  }
  /// For good: the loss takes many pairs.
  void give_up() { given_up_ = true; }
  /// This rank's.
  RowRun own(Index batch) const {
    return {begin_of_part(batch, group_->rank(), group_->size()),
            begin_of_part(batch, group_->rank() + 1, group_->size())};
  }

  /// One of each anchor. Allocates for the first batch alone.
  std::span<Head> heads(Index batch);
  /// Of all, after gather_heads().
  std::span<const Head> gathered_heads() const;
  /// Each rank's own heads and entries of `of_rows` go to all; false where an anchor has many
  /// pairs.
  bool gather_heads(Index batch, std::span<std::byte> of_rows);
  /// Room for the pairs of an anchor, as many as its head says, after gather_heads().
  std::span<Pair> pairs_of(Index anchor);
  /// Each rank's go to all.
  void gather_pairs(Index batch);

 private:
  static constexpr Index kLeast = Index{1} << 20;  // numbers: 1,024 rows by 1,024

  void set_begins(Index batch, Index bytes);

  ProcessGroup* group_ = nullptr;
  bool given_up_ = false;
  std::vector<Head> heads_;
  std::vector<Pair> pairs_;
  std::vector<Index> pair_begins_;  // of each anchor, and the end
  std::vector<Index> begins_;       // of each rank, in bytes
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
