#include "nn/kernels/depthwise_kernels.h"

#include "nn/kernels/depthwise_loops.h"

namespace kindred {
namespace {

template <typename T>
constexpr DepthwiseKernels<T> kDepthwiseKernels{
    depthwise::forward_parts,    depthwise::forward<T>,     depthwise::data_parts,
    depthwise::backward_data<T>, depthwise::gradient_parts, depthwise::backward_weights<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(DepthwiseKernels<T>, kDepthwiseKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
