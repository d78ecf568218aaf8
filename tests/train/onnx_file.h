#pragma once
#include <string>
#include <vector>

#include "train/onnx/fields.h"
#include "train/protobuf/protobuf_writer.h"

namespace kindred::test {

/// Builds ONNX files field by field, right ones and wrong ones.
class OnnxFile {
 public:
  explicit OnnxFile(Index opset = 17) : opset_(opset) {}

  /// Of float32; -1 is a free extent.
  OnnxFile& input(const std::string& name, const std::vector<Index>& shape, int type = 1) {
    graph_.message(onnx::graph_field::input, value(name, shape, type));
    return *this;
  }
  OnnxFile& output(const std::string& name) {
    graph_.message(onnx::graph_field::output, value(name, {-1}, 1));
    return *this;
  }
  OnnxFile& node(const std::string& op, const std::vector<std::string>& inputs,
                 const std::string& output, const ProtobufWriter& attributes = {}) {
    ProtobufWriter node;
    for (const std::string& input : inputs) node.bytes(onnx::node_field::input, input);
    node.bytes(onnx::node_field::output, output);
    node.bytes(onnx::node_field::name, "the " + output);
    node.bytes(onnx::node_field::op_type, op);
    node.append(attributes);
    graph_.message(onnx::graph_field::node, node);
    return *this;
  }
  OnnxFile& constant(const std::string& name, const std::vector<Index>& shape,
                     const std::vector<float>& values) {
    ProtobufWriter tensor = header(name, shape, 1);
    tensor.bytes(onnx::tensor_field::raw_data, std::as_bytes(std::span(values)));
    graph_.message(onnx::graph_field::initializer, tensor);
    return *this;
  }
  OnnxFile& integers(const std::string& name, const std::vector<std::int64_t>& values) {
    ProtobufWriter tensor = header(name, {std::ssize(values)}, 7);
    for (const std::int64_t value : values) tensor.integer(onnx::tensor_field::int64_data, value);
    graph_.message(onnx::graph_field::initializer, tensor);
    return *this;
  }
  OnnxFile& external(const std::string& name, const std::vector<Index>& shape,
                     const std::string& location, const std::string& offset) {
    ProtobufWriter tensor = header(name, shape, 1);
    for (const auto& [key, text] : {std::pair("location", location), std::pair("offset", offset)}) {
      ProtobufWriter entry;
      entry.bytes(onnx::entry_field::key, key);
      entry.bytes(onnx::entry_field::value, text);
      tensor.message(onnx::tensor_field::external_data, entry);
    }
    tensor.integer(onnx::tensor_field::data_location, 1);
    graph_.message(onnx::graph_field::initializer, tensor);
    return *this;
  }
  /// Any field of the graph.
  OnnxFile& field(int number, const ProtobufWriter& message) {
    graph_.message(number, message);
    return *this;
  }

  std::string text() const {
    ProtobufWriter opset;
    opset.integer(onnx::opset_field::version, opset_);
    ProtobufWriter model;
    model.integer(onnx::model_field::ir_version, 8);
    model.message(onnx::model_field::opset, opset);
    model.message(onnx::model_field::graph, graph_);
    return model.text();
  }

  static ProtobufWriter ints(const std::string& name, const std::vector<Index>& values) {
    ProtobufWriter attribute;
    attribute.bytes(onnx::attribute_field::name, name);
    for (const Index value : values) attribute.integer(onnx::attribute_field::ints, value);
    attribute.integer(onnx::attribute_field::type, onnx::attribute_type::ints);
    return in_node(attribute);
  }
  static ProtobufWriter integer(const std::string& name, Index value) {
    ProtobufWriter attribute;
    attribute.bytes(onnx::attribute_field::name, name);
    attribute.integer(onnx::attribute_field::i, value);
    attribute.integer(onnx::attribute_field::type, onnx::attribute_type::i);
    return in_node(attribute);
  }
  static ProtobufWriter real(const std::string& name, float value) {
    ProtobufWriter attribute;
    attribute.bytes(onnx::attribute_field::name, name);
    attribute.real(onnx::attribute_field::f, value);
    attribute.integer(onnx::attribute_field::type, onnx::attribute_type::f);
    return in_node(attribute);
  }

 private:
  static ProtobufWriter in_node(const ProtobufWriter& attribute) {
    ProtobufWriter field;
    field.message(onnx::node_field::attribute, attribute);
    return field;
  }
  static ProtobufWriter header(const std::string& name, const std::vector<Index>& shape, int type) {
    ProtobufWriter tensor;
    for (const Index extent : shape) tensor.integer(onnx::tensor_field::dims, extent);
    tensor.integer(onnx::tensor_field::data_type, type);
    tensor.bytes(onnx::tensor_field::name, name);
    return tensor;
  }
  static ProtobufWriter value(const std::string& name, const std::vector<Index>& shape, int type) {
    ProtobufWriter extents;
    for (const Index extent : shape) {
      ProtobufWriter dimension;
      if (extent >= 0) dimension.integer(onnx::dimension_field::value, extent);
      extents.message(onnx::shape_field::dimension, dimension);
    }
    ProtobufWriter tensor;
    tensor.integer(onnx::tensor_type_field::element, type);
    tensor.message(onnx::tensor_type_field::shape, extents);
    ProtobufWriter of_tensor;
    of_tensor.message(onnx::type_field::tensor, tensor);
    ProtobufWriter info;
    info.bytes(onnx::value_field::name, name);
    info.message(onnx::value_field::type, of_tensor);
    return info;
  }

  Index opset_;
  ProtobufWriter graph_;
};

}  // namespace kindred::test
