#include "train/exchange/graph_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/onnx/fields.h"

namespace kindred {

void Attributes::add(std::string_view name, int type, ProtobufWriter value) {
  ProtobufWriter attribute;
  attribute.bytes(onnx::attribute_field::name, name);
  attribute.append(value);
  attribute.integer(onnx::attribute_field::type, type);
  fields_.message(onnx::node_field::attribute, attribute);
}

Attributes&& Attributes::integer(std::string_view name, Index value) && {
  ProtobufWriter field;
  field.integer(onnx::attribute_field::i, value);
  add(name, onnx::attribute_type::i, field);
  return std::move(*this);
}

Attributes&& Attributes::integers(std::string_view name, std::initializer_list<Index> values) && {
  ProtobufWriter field;
  for (const Index value : values) field.integer(onnx::attribute_field::ints, value);
  add(name, onnx::attribute_type::ints, field);
  return std::move(*this);
}

Attributes&& Attributes::real(std::string_view name, double value) && {
  ProtobufWriter field;
  field.real(onnx::attribute_field::f, static_cast<float>(value));
  add(name, onnx::attribute_type::f, field);
  return std::move(*this);
}

std::string GraphWriter::reserve(const std::string& name) {
  std::string free = name;
  for (int number = 2; !names_.insert(free).second; ++number) {
    free = fmt::format("{}_{}", name, number);
  }
  return free;
}

std::string GraphWriter::node(const std::string& op, const std::string& name,
                              std::vector<std::string> inputs, Attributes attributes) {
  nodes_.push_back({op, std::move(inputs), reserve(name), std::move(attributes.fields_)});
  return nodes_.back().output;
}

std::string GraphWriter::constant(const std::string& name, const std::vector<Index>& shape,
                                  int type, std::span<const std::byte> values) {
  ProtobufWriter tensor;
  for (const Index extent : shape) tensor.integer(onnx::tensor_field::dims, extent);
  tensor.integer(onnx::tensor_field::data_type, type);
  const std::string free = reserve(name);
  tensor.bytes(onnx::tensor_field::name, free);
  tensor.bytes(onnx::tensor_field::raw_data, values);
  constants_.message(onnx::graph_field::initializer, tensor);
  bytes_ += std::ssize(values);
  return free;
}

std::string GraphWriter::constant(const std::string& name, std::vector<Index> shape,
                                  std::span<const float> values) {
  return constant(name, shape, static_cast<int>(onnx::TensorType::f32), std::as_bytes(values));
}

std::string GraphWriter::constant(const std::string& name, std::vector<Index> shape,
                                  std::span<const std::int64_t> values) {
  return constant(name, shape, static_cast<int>(onnx::TensorType::i64), std::as_bytes(values));
}

void GraphWriter::rename(const std::string& name, const std::string& output) {
  for (Node& node : nodes_) {
    std::ranges::replace(node.inputs, name, output);
    if (node.output == name) node.output = output;
  }
}

ProtobufWriter GraphWriter::fields() const {
  ProtobufWriter graph;
  for (const Node& node : nodes_) {
    ProtobufWriter message;
    for (const std::string& input : node.inputs) message.bytes(onnx::node_field::input, input);
    message.bytes(onnx::node_field::output, node.output);
    message.bytes(onnx::node_field::name, node.output);
    message.bytes(onnx::node_field::op_type, node.op);
    message.append(node.attributes);
    graph.message(onnx::graph_field::node, message);
  }
  graph.append(constants_);
  return graph;
}

}  // namespace kindred
