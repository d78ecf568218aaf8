#include "nn/kernels/depthwise_kernels.h"

#include "nn/kernels/depthwise_loops.h"

namespace kindred {
namespace {

template <typename T>
constexpr DepthwiseKernels<T> kDepthwiseKernels{
    depthwise::forward_parts,    depthwise::forward<T>,     depthwise::data_parts,
    depthwise::backward_data<T>, depthwise::gradient_parts, depthwise::backward_weights<T>};

}  // namespace

KINDRED_OFFER(DepthwiseKernels<float>, kDepthwiseKernels<float>);
KINDRED_OFFER(DepthwiseKernels<Bfloat16>, kDepthwiseKernels<Bfloat16>);

}  // namespace kindred
