#include "nn/channels/norm_kernels.h"

#include "nn/channels/norm_loops.h"

namespace kindred {
namespace {

template <typename T>
constexpr NormKernels<T> kNormKernels{norm_parts, norm_forward<T>, norm_backward<T>,
                                      norm_inference<T>};

}  // namespace

KINDRED_OFFER(NormKernels<float>, kNormKernels<float>);
KINDRED_OFFER(NormKernels<Bfloat16>, kNormKernels<Bfloat16>);

}  // namespace kindred
