#include "weight_average.h"

#include <algorithm>

#include "train/update_kernels.h"

namespace kindred {
namespace {

constexpr Index kBlock = 16384;

}  // namespace

void average_weights(const Workers& workers, double decay, Index step,
                     std::span<const float> parameters, std::span<float> average) {
  const double early = (1 + static_cast<double>(step)) / (10 + static_cast<double>(step));
  const auto rest = static_cast<float>(1 - std::min(decay, early));
  workers.for_blocks(static_cast<Index>(average.size()), kBlock, [&](Index begin, Index end, int) {
    kernels<UpdateKernels>().average(rest, parameters.data() + begin, average.data() + begin,
                                     end - begin);
  });
}

}  // namespace kindred
