#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/parallel.h"
#include "kindred/core/parameters.h"

namespace kindred {

/// The Euclidean length of a flat gradient. Blocks are summed in double by any worker, the blocks'
/// sums left to right: the same bits for any number of threads.
class GradientNorm {
 public:
  GradientNorm() = default;
  explicit GradientNorm(const ParameterTable& table);
  double measure(const Workers& workers, std::span<const float> gradient);
  /// The first segment whose gradient is not finite, or "".
  std::string culprit(const ParameterTable& table, std::span<const float> gradient) const;

 private:
  std::vector<double> sums_;
};

}  // namespace kindred
