#include <fmt/format.h>

#include <limits>

#include "train/exchange/operators.h"

namespace kindred {
namespace {

/// x * factor + summand by channels; of each, the constant's numbers or one for all.
void give_affine(const ForeignNode& node, std::size_t data, std::vector<float> factor,
                 std::vector<float> summand) {
  const Step& src = node.data(data);
  const auto channels = static_cast<std::size_t>(src.shape.channels);
  factor.resize(channels, factor[0]);
  summand.resize(channels, summand[0]);
  Piece piece = node.piece("(affine)");
  const std::vector<Index> shape{src.shape.channels};
  piece.arrays = {{"factor", shape, std::move(factor)}, {"summand", shape, std::move(summand)}};
  node.give_from(data, std::move(piece));
}

bool both_are_data(const ForeignNode& node) {
  if (node.inputs() != 2) {
    node.refuse(fmt::format("has {} inputs; two are expected", node.inputs()));
  }
  return node.is_data(0) && node.is_data(1);
}

/// The input that is the network's, not the constant.
std::size_t data_of(const ForeignNode& node) { return node.is_data(0) ? 0 : 1; }

void join_sides(const ForeignNode& node, Join how) {
  const Step& first = node.data(0);
  const Step& second = node.data(1);
  if (first.form != second.form) node.refuse("reads tensors that lie in different ways");
  if (how == Join::add && first.shape != second.shape) {
    node.refuse("adds tensors of different shapes");
  }
  const Shape& shape = second.shape.size() > first.shape.size() ? second.shape : first.shape;
  node.give_join(how, {node.source(0), node.source(1)}, shape);
}

}  // namespace

void read_add(const ForeignNode& node) {
  if (both_are_data(node)) return join_sides(node, Join::add);
  const std::size_t data = data_of(node);
  give_affine(node, data, {1}, node.channels(1 - data, node.data(data)));
}

void read_sub(const ForeignNode& node) {
  if (both_are_data(node)) node.refuse("subtracts two tensors; no layer of ours does this");
  const std::size_t data = data_of(node);
  std::vector<float> constant = node.channels(1 - data, node.data(data));
  if (data == 1) return give_affine(node, data, {-1}, std::move(constant));
  for (float& value : constant) value = -value;
  give_affine(node, data, {1}, std::move(constant));
}

void read_mul(const ForeignNode& node) {
  if (both_are_data(node)) return join_sides(node, Join::multiply);
  const std::size_t data = data_of(node);
  give_affine(node, data, node.channels(1 - data, node.data(data)), {0});
}

void read_div(const ForeignNode& node) {
  if (both_are_data(node)) return join_sides(node, Join::divide);
  if (!node.is_data(0)) node.refuse("divides a constant; no layer of ours does this");
  Piece piece = node.piece("(affine)");
  const Step& src = node.data(0);
  std::vector<float> divisor = node.channels(1, src);
  for (const float value : divisor) {
    if (value == 0) node.refuse("divides by 0");
  }
  const std::vector<Index> shape{src.shape.channels};
  piece.arrays = {{"divisor", shape, std::move(divisor)}};
  node.give(std::move(piece));
}

void read_cast(const ForeignNode& node) {
  const auto to = static_cast<onnx::TensorType>(node.integer("to", 0));
  if (const auto* numbers = node.is_constant(0) ? node.computed(0) : nullptr) {
    return node.give_numbers(*numbers);
  }
  if (node.is_constant(0)) {
    if (static_cast<int>(to) == node.constant(0)->type) {
      return node.give_constant(*node.constant(0));
    }
    if (to == onnx::TensorType::i64) return node.give_numbers(node.integers(0));
    node.refuse("turns a constant into another type");
  }
  if (to != onnx::TensorType::f32) {
    node.refuse(fmt::format("turns the network's numbers into type {}; they are float32 in ours",
                            static_cast<int>(to)));
  }
  node.give(node.source(0));
}

void read_cast_like(const ForeignNode& node) {
  if (node.is_data(0)) return node.give(node.source(0));  // ours are float32, all of them
  const onnx::Tensor* tensor = node.constant(0);
  if (tensor == nullptr || !node.is_data(1)) node.refuse("turns constants into another type");
  node.give_constant(*tensor);
}

void read_identity(const ForeignNode& node) {
  if (node.is_data(0)) return node.give(node.source(0));
  if (const auto* numbers = node.computed(0)) return node.give_numbers(*numbers);
  node.give_constant(*node.constant(0));
}

void read_constant(const ForeignNode& node) {
  if (const onnx::Tensor* tensor = node.tensor("value")) return node.give_constant(*tensor);
  if (node.says("value_int")) return node.give_numbers({node.integer("value_int", 0)});
  if (node.says("value_ints")) return node.give_numbers(node.list("value_ints"));
  if (node.says("value_float")) {
    onnx::Tensor number;
    number.type = static_cast<int>(onnx::TensorType::f32);
    number.floats = {static_cast<float>(node.real("value_float", 0))};
    return node.give_new_constant(std::move(number));
  }
  node.refuse("has no value that is read: a tensor, a number or whole numbers are expected");
}

void read_relu(const ForeignNode& node) { node.give(node.piece("relu")); }

void read_sigmoid(const ForeignNode& node) { node.give(node.piece("(sigmoid)")); }

void read_hard_sigmoid(const ForeignNode& node) {
  Piece piece = node.piece("(hard_sigmoid)");
  piece.settings = {{"alpha", node.real("alpha", 0.2)}, {"beta", node.real("beta", 0.5)}};
  node.give(std::move(piece));
}

void read_hard_swish(const ForeignNode& node) { node.give(node.piece("hard_swish")); }

void read_leaky_relu(const ForeignNode& node) {
  const Index channels = node.data(0).shape.channels;
  const auto alpha = static_cast<float>(node.real("alpha", 0.01));
  Piece piece = node.piece("prelu");
  piece.arrays = {
      {"slope", {channels}, std::vector<float>(static_cast<std::size_t>(channels), alpha)}};
  node.give(std::move(piece));
}

/// Clip, and Max with one number.
void read_clip(const ForeignNode& node) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double low = node.real("min", -kInfinity);
  double high = node.real("max", kInfinity);
  if (node.has(1)) low = ForeignNode::rounded(node.number(1));
  if (node.has(2)) {
    if (node.op() == "Max") node.refuse("has three inputs; no layer of ours does this");
    high = ForeignNode::rounded(node.number(2));
  }
  // What torch writes for "no limit".
  constexpr double kLargest = std::numeric_limits<float>::max();
  if (low <= -kLargest) low = -kInfinity;
  if (high >= kLargest) high = kInfinity;
  Piece piece = node.piece("(clip)");
  piece.settings = {{"low", low}, {"high", high}};
  node.give(std::move(piece));
}

void read_pow(const ForeignNode& node) {
  Piece piece = node.piece("(power)");
  piece.settings = {{"exponent", static_cast<double>(node.number(1))}};
  node.give(std::move(piece));
}

}  // namespace kindred
