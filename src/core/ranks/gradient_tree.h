#pragma once
#include <vector>

#include "kindred/core/buffer.h"
#include "kindred/core/matrix.h"
#include "kindred/core/parallel.h"
#include "kindred/core/process_group.h"

namespace kindred {

/// A whole part of the pairwise tree over gradient rows: the sum of rows [first, first + count).
struct Subtree {
  Index first = 0;
  Index count = 0;
};

/// The fewest whole parts that make up rows [begin, end) of `rows`: at most two for each level of
/// the tree, one where rows and ranks are powers of two.
std::vector<Subtree> subtrees_of(Index begin, Index end, Index rows);

/// Sums gradient rows that lie on several ranks, in the order of Network::add_gradient_rows(): the
/// same bits for any number of ranks. Each rank adds up the subtrees that it has; then each is
/// given all subtrees of its own run of columns, adds those, and all gather the runs. Where every
/// rank has one subtree, a rank sends 2 (R - 1) / R rows, the least of any such sum.
class GradientTree {
 public:
  /// Rank r has the rows of begin_of_part(rows, r, group.size()). `row_size`: floats of a row.
  GradientTree(ProcessGroup& group, Index rows, Index row_size);

  Index first_row() const { return begins_[rank()]; }
  Index own_rows() const { return begins_[rank() + 1] - begins_[rank()]; }

  /// The sum of all, [row_size]; stands until the next call. `own` [own_rows(), row_size]: this
  /// rank's rows, whose content is destroyed.
  std::span<const float> sum(const Workers& workers, MatrixView own);

 private:
  std::size_t rank() const { return static_cast<std::size_t>(group_.rank()); }
  void send_subtrees(MatrixView own);
  void add_subtrees(const Workers& workers);

  ProcessGroup& group_;
  Index rows_;
  std::vector<Index> begins_;                   // of each rank's rows, and their end
  std::vector<Index> columns_;                  // of each rank's columns, and their end
  std::vector<Index> bytes_;                    // the same in bytes
  std::vector<std::vector<Subtree>> subtrees_;  // of each rank
  std::vector<Index> places_;                   // of subtrees, by their first row: in theirs_
  Matrix theirs_;                               // [subtrees, own columns]
  Buffer<float> sum_;
  std::vector<Outgoing> sent_;
  std::vector<Incoming> received_;
};

}  // namespace kindred
