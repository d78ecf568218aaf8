#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "train/exchange/foreign_graph.h"

namespace kindred {

/// A node of a graph while it is turned into a step: what it reads and says, and what it gives.
/// What is not as it asks fails with data, and names the node.
class ForeignNode {
 public:
  ForeignNode(ForeignGraph& graph, const onnx::Node& node) : graph_(graph), node_(node) {}

  /// By the table of operators.
  void interpret();

  Index opset() const { return graph_.model_.opset; }
  std::string_view op() const { return node_.op; }
  std::size_t inputs() const { return node_.inputs.size(); }
  bool has(std::size_t input) const {
    return input < node_.inputs.size() && !node_.inputs[input].empty();
  }
  bool is_data(std::size_t input) const;
  bool is_constant(std::size_t input) const;  ///< of any numbers
  /// The step that gives an input.
  int source(std::size_t input) const;
  const Step& data(std::size_t input) const {
    return graph_.steps_[static_cast<std::size_t>(source(input))];
  }
  /// The same, which must be an image [N, C, H, W], or a vector.
  const Step& image(std::size_t input) const;
  const Step& vector(std::size_t input) const;
  /// A constant of `size` numbers (-1: any), or of the shape. A single one stands for all.
  const std::vector<Index>& shape_of_constant(std::size_t input) const;
  std::vector<float> floats(std::size_t input, const std::vector<Index>& shape) const;
  std::vector<float> floats(std::size_t input) const;
  float number(std::size_t input) const;
  std::vector<std::int64_t> integers(std::size_t input) const;
  /// One number a channel of the data, out of a constant that is broadcast to it.
  std::vector<float> channels(std::size_t constant, const Step& data) const;

  bool says(std::string_view attribute) const { return node_.attributes.contains(attribute); }
  Index integer(std::string_view attribute, Index standard) const;
  double real(std::string_view attribute, double standard) const;
  std::string_view text(std::string_view attribute, std::string_view standard) const;
  std::vector<std::int64_t> list(std::string_view attribute) const;
  const onnx::Tensor* tensor(std::string_view attribute) const;
  /// As a decimal number with few digits, which is what somebody wrote once.
  static double rounded(float value);
  /// An attribute up to some opset, an input from then on; `standard` where there is neither.
  std::vector<std::int64_t> list_or_input(std::string_view attribute, std::size_t input) const;

  /// "node 'conv1' (Conv)".
  std::string described() const;
  /// Fails with data.
  [[noreturn]] void refuse(const std::string& why) const;

  /// A piece of the kind, named after the node, or after its weights: "conv1" for "conv1.weight".
  Piece piece(std::string kind, int weights = -1) const;
  /// The node gives the numbers of a step, in another form where one is given.
  void give(int step) const;
  void give_as(int step, Form form, const Shape& shape) const;
  /// The node passes an input, the first, through the piece; the result's shape is a layer's of its
  /// kind, or that of its input.
  void give(Piece piece) const { give_from(0, std::move(piece)); }
  void give_from(std::size_t input, Piece piece) const;
  void give(Piece piece, Form form, const Shape& shape, std::size_t input = 0) const;
  void give_join(Join join, std::vector<int> sources, const Shape& shape) const;
  void give_numbers(std::vector<std::int64_t> numbers) const;
  void give_constant(const onnx::Tensor& tensor) const;
  /// The same of one that is made here.
  void give_new_constant(onnx::Tensor tensor) const;
  const onnx::Tensor* constant(std::size_t input) const;
  const std::vector<std::int64_t>* computed(std::size_t input) const;

 private:
  const ForeignGraph::Known& known(std::size_t input) const;

  ForeignGraph& graph_;
  const onnx::Node& node_;
};

/// One operator of ONNX.
struct OperatorKind {
  std::string_view op;
  void (*interpret)(const ForeignNode& node);
};

/// nullptr where there is none of that name.
const OperatorKind* operator_kind(std::string_view op);

}  // namespace kindred
