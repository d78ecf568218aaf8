#include "gradient_norm.h"

#include <cmath>
#include <cstddef>

#include "train/update_kernels.h"

namespace kindred {
namespace {

constexpr Index kBlock = 16384;

double sum_of_squares(const float* values, Index begin, Index end) {
  return kernels<UpdateKernels>().sum_of_squares(values + begin, end - begin);
}

}  // namespace

GradientNorm::GradientNorm(const ParameterTable& table)
    : sums_(static_cast<std::size_t>(blocks_of(table.size(), kBlock))) {}

double GradientNorm::measure(const Workers& workers, std::span<const float> gradient) {
  workers.for_blocks(static_cast<Index>(gradient.size()), kBlock, [&](Index begin, Index end, int) {
    sums_[static_cast<std::size_t>(begin / kBlock)] = sum_of_squares(gradient.data(), begin, end);
  });
  double sum = 0;
  for (const double block : sums_) sum += block;
  return std::sqrt(sum);
}

std::string GradientNorm::culprit(const ParameterTable& table,
                                  std::span<const float> gradient) const {
  for (const Segment& segment : table.segments()) {
    if (!std::isfinite(
            sum_of_squares(gradient.data(), segment.offset, segment.offset + segment.size))) {
      return segment.name;
    }
  }
  return "";
}

}  // namespace kindred
