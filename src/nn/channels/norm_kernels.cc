#include "nn/channels/norm_kernels.h"

#include "nn/channels/norm_loops.h"

namespace kindred {
namespace {

template <typename T>
constexpr NormKernels<T> kNormKernels{norm_parts, norm_forward<T>, norm_backward<T>,
                                      norm_inference<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(NormKernels<T>, kNormKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
