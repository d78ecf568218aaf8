#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Rows sorted by (label, row): the rows of a class stand side by side, in rising order.
class ClassOrder {
 public:
  explicit ClassOrder(std::span<const std::int64_t> labels);

  /// The row at each position.
  std::span<const Index> rows() const { return rows_; }
  std::int64_t label(Index position) const { return labels_[static_cast<std::size_t>(position)]; }

  /// Positions [first, last) of the rows of a class; empty where there is none.
  struct Range {
    Index first = 0;
    Index last = 0;
    Index size() const { return last - first; }
  };
  Range range(std::int64_t label) const;

 private:
  std::vector<Index> rows_;
  std::vector<std::int64_t> labels_;  // by position
};

}  // namespace kindred
