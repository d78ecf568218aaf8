#pragma once
#include "train/exchange/foreign_node.h"

// What reads each operator of ONNX; operators.cc has the table.

namespace kindred {

// with weights: weighted_operators.cc
void read_batch_normalization(const ForeignNode& node);
void read_conv(const ForeignNode& node);
void read_gemm(const ForeignNode& node);
void read_instance_normalization(const ForeignNode& node);
void read_layer_normalization(const ForeignNode& node);
void read_mat_mul(const ForeignNode& node);
void read_prelu(const ForeignNode& node);

// number by number: arithmetic_operators.cc
void read_add(const ForeignNode& node);
void read_cast(const ForeignNode& node);
void read_cast_like(const ForeignNode& node);
void read_clip(const ForeignNode& node);
void read_constant(const ForeignNode& node);
void read_div(const ForeignNode& node);
void read_hard_sigmoid(const ForeignNode& node);
void read_hard_swish(const ForeignNode& node);
void read_identity(const ForeignNode& node);
void read_leaky_relu(const ForeignNode& node);
void read_mul(const ForeignNode& node);
void read_pow(const ForeignNode& node);
void read_relu(const ForeignNode& node);
void read_sigmoid(const ForeignNode& node);
void read_sub(const ForeignNode& node);

// over pixels or channels: pooling_operators.cc
void read_average_pool(const ForeignNode& node);
void read_global_average_pool(const ForeignNode& node);
void read_lp_normalization(const ForeignNode& node);
void read_max_pool(const ForeignNode& node);
void read_reduce_l2(const ForeignNode& node);
void read_reduce_mean(const ForeignNode& node);

// shapes: shape_operators.cc
void read_concat(const ForeignNode& node);
void read_expand(const ForeignNode& node);
void read_flatten(const ForeignNode& node);
void read_gather(const ForeignNode& node);
void read_reshape(const ForeignNode& node);
void read_shape(const ForeignNode& node);
void read_slice(const ForeignNode& node);
void read_squeeze(const ForeignNode& node);
void read_transpose(const ForeignNode& node);
void read_unsqueeze(const ForeignNode& node);

/// Kernel, stride and padding that are the same for rows and columns; others are refused.
struct Window {
  Index kernel = 1;
  Index stride = 1;
  Index padding = 0;
  Index dilation = 1;
};
/// Of Conv, MaxPool and AveragePool. `kernel_shape` may be left out where `weights`, the input of
/// that number, says it.
Window read_window(const ForeignNode& node, int weights = -1);

}  // namespace kindred
