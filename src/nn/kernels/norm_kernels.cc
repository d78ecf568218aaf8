#include "nn/kernels/norm_kernels.h"

#include "nn/kernels/norm_loops.h"

namespace kindred {
namespace {

template <typename T>
constexpr NormKernels<T> kKernels{norm_parts, norm_forward<T>, norm_backward<T>, norm_inference<T>};

}  // namespace

KINDRED_OFFER(NormKernels<float>, kKernels<float>);
KINDRED_OFFER(NormKernels<Bfloat16>, kKernels<Bfloat16>);

}  // namespace kindred
