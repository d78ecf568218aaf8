#include "core/ranks/gradient_tree.h"

#include <algorithm>

#include "core/sum_rows.h"

namespace kindred {
namespace {

constexpr Index kLine = kAlignment / static_cast<Index>(sizeof(float));

}  // namespace

std::vector<Subtree> subtrees_of(Index begin, Index end, Index rows) {
  std::vector<Subtree> subtrees;
  for (Index first = begin; first < end;) {
    Index span = 1;  // doubled while it begins such a part, and all of that is there
    while (span < rows && first % (2 * span) == 0 && std::min(first + 2 * span, rows) <= end) {
      span *= 2;
    }
    const Index count = std::min(span, rows - first);
    subtrees.push_back({first, count});
    first += count;
  }
  return subtrees;
}

GradientTree::GradientTree(ProcessGroup& group, Index rows, Index row_size)
    : group_(group), rows_(rows), places_(static_cast<std::size_t>(rows), -1), sum_(row_size) {
  const Index ranks = group.size();
  for (Index r = 0; r <= ranks; ++r) {
    begins_.push_back(begin_of_part(rows, r, ranks));
    columns_.push_back(
        std::min(begin_of_part(blocks_of(row_size, kLine), r, ranks) * kLine, row_size));
    bytes_.push_back(columns_.back() * static_cast<Index>(sizeof(float)));
  }
  Index count = 0;
  for (std::size_t r = 0; r < static_cast<std::size_t>(ranks); ++r) {
    subtrees_.push_back(subtrees_of(begins_[r], begins_[r + 1], rows));
    for (const Subtree& tree : subtrees_[r])
      places_[static_cast<std::size_t>(tree.first)] = count++;
  }
  theirs_ = Matrix(count, columns_[rank() + 1] - columns_[rank()]);
}

std::span<const float> GradientTree::sum(const Workers& workers, MatrixView own) {
  for (const Subtree& tree : subtrees_[rank()]) {
    sum_rows(workers, own.rows_from(tree.first - first_row(), tree.count), own.stride(),
             tree.count);
  }
  send_subtrees(own);
  add_subtrees(workers);
  std::copy_n(theirs_.data(), theirs_.cols(), sum_.data() + columns_[rank()]);
  group_.gather(std::as_writable_bytes(sum_.span()), bytes_);
  return sum_.span();
}

/// To each rank its columns of this rank's subtrees, and from each this rank's columns of its.
void GradientTree::send_subtrees(MatrixView own) {
  sent_.clear();
  received_.clear();
  const auto ranks = static_cast<std::size_t>(group_.size());
  const auto bytes_of_columns = [&](float* row, std::size_t r) {
    return std::as_writable_bytes(
        std::span(row, static_cast<std::size_t>(columns_[r + 1] - columns_[r])));
  };
  const auto place = [&](const Subtree& tree) {
    return theirs_.row(places_[static_cast<std::size_t>(tree.first)]);
  };
  for (const Subtree& tree : subtrees_[rank()]) {
    std::copy_n(own.row(tree.first - first_row()) + columns_[rank()], theirs_.cols(), place(tree));
  }
  for (std::size_t step = 1; step < ranks; ++step) {
    const std::size_t to = (rank() + step) % ranks;
    const std::size_t from = (rank() + ranks - step) % ranks;
    for (const Subtree& tree : subtrees_[rank()]) {
      float* const row = own.row(tree.first - first_row());
      if (columns_[to + 1] == columns_[to]) break;
      sent_.push_back({static_cast<int>(to), bytes_of_columns(row + columns_[to], to)});
    }
    if (theirs_.cols() == 0) continue;
    for (const Subtree& tree : subtrees_[from]) {
      received_.push_back({static_cast<int>(from), bytes_of_columns(place(tree), rank())});
    }
  }
  group_.exchange(sent_, received_);
}

/// As the tree does, level by level; those of a subtree's own levels are done.
void GradientTree::add_subtrees(const Workers& workers) {
  if (theirs_.cols() == 0) return;
  for (Index apart = 1; apart < rows_; apart *= 2) {
    for (Index first = 0; first + apart < rows_; first += 2 * apart) {
      const Index left = places_[static_cast<std::size_t>(first)];
      const Index right = places_[static_cast<std::size_t>(first + apart)];
      if (left < 0 || right < 0) continue;
      sum_rows(workers, theirs_.view().rows_from(left, right - left + 1),
               (right - left) * theirs_.stride(), 2);
    }
  }
}

}  // namespace kindred
