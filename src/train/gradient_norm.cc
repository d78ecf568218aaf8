#include "gradient_norm.h"

#include <cmath>
#include <cstddef>

namespace kindred {
namespace {

constexpr Index kBlock = 16384;
constexpr Index kLanes = 8;  // partial sums side by side, added in a written order

double sum_of_squares(const float* values, Index count) {
  double lanes[kLanes] = {};
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) {
      const double value = static_cast<double>(values[i + lane]);
      lanes[lane] += value * value;
    }
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  for (; i < count; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return sum;
}

}  // namespace

GradientNorm::GradientNorm(const ParameterTable& table)
    : sums_(static_cast<std::size_t>(blocks_of(table.size(), kBlock))) {}

double GradientNorm::measure(const Workers& workers, std::span<const float> gradient) {
  workers.for_blocks(static_cast<Index>(gradient.size()), kBlock, [&](Index begin, Index end, int) {
    sums_[static_cast<std::size_t>(begin / kBlock)] =
        sum_of_squares(gradient.data() + begin, end - begin);
  });
  double sum = 0;
  for (const double block : sums_) sum += block;
  return std::sqrt(sum);
}

std::string GradientNorm::culprit(const ParameterTable& table,
                                  std::span<const float> gradient) const {
  for (const Segment& segment : table.segments()) {
    if (!std::isfinite(sum_of_squares(gradient.data() + segment.offset, segment.size))) {
      return segment.name;
    }
  }
  return "";
}

}  // namespace kindred
