#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"
#include "kindred/core/process_group.h"

namespace kindred {

/// The Euclidean length of a flat gradient. Blocks are summed in double by any worker; their sums
/// left to right within each part of a segment, then the parts': the same bits for any number of
/// threads, and of ranks that share segments out.
class GradientNorm {
 public:
  GradientNorm() = default;
  explicit GradientNorm(const ParameterTable& table);
  /// By all ranks of the group.
  double measure(const Workers& workers, ProcessGroup& group, std::span<const float> gradient);
  /// Of the last measure(): the first segment whose gradient is not finite, or "".
  std::string culprit(const ParameterTable& table) const;

 private:
  struct Block {
    Index begin;
    Index end;
    std::size_t part;
  };
  /// A segment's parts, among all.
  struct Parts {
    std::size_t first;
    std::size_t count;
    bool shared;
  };

  std::vector<Block> blocks_;
  std::vector<Parts> segments_;
  std::vector<double> sums_;    // of each block
  std::vector<double> totals_;  // of each part
  std::vector<Index> begins_;
};

}  // namespace kindred
