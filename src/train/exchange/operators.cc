#include "train/exchange/operators.h"

#include <algorithm>

namespace kindred {
namespace {

// Every operator that is read. A new one: its function, its line here.
constexpr OperatorKind kOperators[] = {
    {"Add", read_add},
    {"AveragePool", read_average_pool},
    {"BatchNormalization", read_batch_normalization},
    {"Cast", read_cast},
    {"CastLike", read_cast_like},
    {"Clip", read_clip},
    {"Concat", read_concat},
    {"Constant", read_constant},
    {"Conv", read_conv},
    {"Div", read_div},
    {"Dropout", read_identity},
    {"Expand", read_expand},
    {"Flatten", read_flatten},
    {"Gather", read_gather},
    {"Gemm", read_gemm},
    {"GlobalAveragePool", read_global_average_pool},
    {"HardSigmoid", read_hard_sigmoid},
    {"HardSwish", read_hard_swish},
    {"Identity", read_identity},
    {"InstanceNormalization", read_instance_normalization},
    {"LayerNormalization", read_layer_normalization},
    {"LeakyRelu", read_leaky_relu},
    {"LpNormalization", read_lp_normalization},
    {"MatMul", read_mat_mul},
    {"Max", read_clip},
    {"MaxPool", read_max_pool},
    {"Mul", read_mul},
    {"PRelu", read_prelu},
    {"Pow", read_pow},
    {"ReduceL2", read_reduce_l2},
    {"ReduceMean", read_reduce_mean},
    {"Relu", read_relu},
    {"Reshape", read_reshape},
    {"Shape", read_shape},
    {"Sigmoid", read_sigmoid},
    {"Slice", read_slice},
    {"Squeeze", read_squeeze},
    {"Sub", read_sub},
    {"Sum", read_add},
    {"Transpose", read_transpose},
    {"Unsqueeze", read_unsqueeze},
};

}  // namespace

const OperatorKind* operator_kind(std::string_view op) {
  const auto* found = std::ranges::find(kOperators, op, &OperatorKind::op);
  return found == std::end(kOperators) ? nullptr : found;
}

}  // namespace kindred
