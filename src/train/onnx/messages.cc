#include "train/onnx/messages.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "train/onnx/protobuf_reader.h"

namespace kindred::onnx {
namespace {

constexpr std::size_t kMostNodes = 20'000;
constexpr std::size_t kMostConstants = 50'000;
constexpr std::size_t kMostNames = 1024;  // inputs, outputs or attributes of a node
constexpr std::size_t kMostName = 512;    // bytes
constexpr std::size_t kMostExtents = 16;
constexpr std::size_t kMostList = 1 << 16;  // numbers of an attribute
constexpr std::size_t kMostTexts = 256;     // of the metadata
constexpr Index kLeastOpset = 7;
constexpr Index kMostOpset = 21;

[[noreturn]] void refuse_model(const std::string& why) { fail(ErrorKind::data, why); }

void limit(std::size_t count, std::size_t most, const char* what) {
  if (count > most) refuse_model(fmt::format("has more than {} {}", most, what));
}

std::string_view name_of_message(const ProtobufReader& reader) {
  limit(reader.bytes().size(), kMostName, "bytes in a name");
  return reader.bytes();
}

void read_message_entry(std::string_view bytes, std::map<std::string, std::string>& entries) {
  std::string key;
  std::string value;
  for (ProtobufReader reader(bytes); reader.next();) {
    if (reader.field() == entry_field::key) key = name_of_message(reader);
    if (reader.field() == entry_field::value) value = reader.bytes();
  }
  entries[key] = value;
  limit(entries.size(), kMostTexts, "texts of metadata");
}

Tensor read_tensor(std::string_view bytes) {
  Tensor tensor;
  for (ProtobufReader reader(bytes); reader.next();) {
    switch (reader.field()) {
      case tensor_field::dims: reader.append_integers(tensor.shape); break;
      case tensor_field::data_type: tensor.type = static_cast<int>(reader.number()); break;
      case tensor_field::float_data: reader.append_reals(tensor.floats); break;
      case tensor_field::double_data: reader.append_reals(tensor.doubles); break;
      case tensor_field::int32_data:
      case tensor_field::int64_data: reader.append_integers(tensor.integers); break;
      case tensor_field::name: tensor.name = name_of_message(reader); break;
      case tensor_field::raw_data: tensor.raw = reader.bytes(); break;
      case tensor_field::external_data: read_message_entry(reader.bytes(), tensor.external); break;
      case tensor_field::data_location: tensor.is_external = reader.number() == 1; break;
      default: break;
    }
    limit(tensor.shape.size(), kMostExtents, "extents of a constant");
  }
  return tensor;
}

void read_attribute(std::string_view bytes, Node& node) {
  Attribute attribute;
  std::string_view name;
  for (ProtobufReader reader(bytes); reader.next();) {
    switch (reader.field()) {
      case attribute_field::name: name = name_of_message(reader); break;
      case attribute_field::f: attribute.real = reader.real(); break;
      case attribute_field::i: attribute.integer = reader.integer(); break;
      case attribute_field::s: attribute.text = reader.bytes(); break;
      case attribute_field::t: attribute.tensor = read_tensor(reader.bytes()); break;
      case attribute_field::floats: reader.append_reals(attribute.reals); break;
      case attribute_field::ints: reader.append_integers(attribute.integers); break;
      case attribute_field::type: attribute.type = static_cast<int>(reader.number()); break;
      default: break;
    }
    limit(attribute.reals.size(), kMostList, "numbers in an attribute");
    limit(attribute.integers.size(), kMostList, "numbers in an attribute");
  }
  node.attributes[name] = std::move(attribute);
  limit(node.attributes.size(), kMostNames, "attributes of a node");
}

Node read_node(std::string_view bytes) {
  Node node;
  for (ProtobufReader reader(bytes); reader.next();) {
    switch (reader.field()) {
      case node_field::input: node.inputs.push_back(name_of_message(reader)); break;
      case node_field::output: node.outputs.push_back(name_of_message(reader)); break;
      case node_field::name: node.name = name_of_message(reader); break;
      case node_field::op_type: node.op = name_of_message(reader); break;
      case node_field::domain: node.domain = name_of_message(reader); break;
      case node_field::attribute: read_attribute(reader.bytes(), node); break;
      default: break;
    }
    limit(node.inputs.size(), kMostNames, "inputs of a node");
    limit(node.outputs.size(), kMostNames, "outputs of a node");
  }
  return node;
}

Index read_dimension(std::string_view bytes) {
  Index extent = -1;
  for (ProtobufReader reader(bytes); reader.next();) {
    if (reader.field() == dimension_field::value) extent = reader.integer();
  }
  return extent > 0 ? extent : -1;
}

void read_tensor_type(std::string_view bytes, Value& value) {
  for (ProtobufReader reader(bytes); reader.next();) {
    if (reader.field() == tensor_type_field::element) {
      value.type = static_cast<int>(reader.number());
    }
    if (reader.field() != tensor_type_field::shape) continue;
    value.has_shape = true;
    for (ProtobufReader shape(reader.bytes()); shape.next();) {
      if (shape.field() != shape_field::dimension) continue;
      value.shape.push_back(read_dimension(shape.bytes()));
      limit(value.shape.size(), kMostExtents, "extents of an input");
    }
  }
}

Value read_value(std::string_view bytes) {
  Value value;
  for (ProtobufReader reader(bytes); reader.next();) {
    if (reader.field() == value_field::name) value.name = name_of_message(reader);
    if (reader.field() != value_field::type) continue;
    for (ProtobufReader type(reader.bytes()); type.next();) {
      if (type.field() == type_field::tensor) read_tensor_type(type.bytes(), value);
    }
  }
  return value;
}

Graph read_graph(std::string_view bytes) {
  Graph graph;
  for (ProtobufReader reader(bytes); reader.next();) {
    switch (reader.field()) {
      case graph_field::node: graph.nodes.push_back(read_node(reader.bytes())); break;
      case graph_field::initializer: graph.constants.push_back(read_tensor(reader.bytes())); break;
      case graph_field::input: graph.inputs.push_back(read_value(reader.bytes())); break;
      case graph_field::output: graph.outputs.push_back(read_value(reader.bytes())); break;
      case graph_field::sparse_initializer:
        refuse_model("has sparse constants, which are not read");
      default: break;
    }
    limit(graph.nodes.size(), kMostNodes, "nodes");
    limit(graph.constants.size(), kMostConstants, "constants");
    limit(graph.inputs.size(), kMostConstants, "inputs");
    limit(graph.outputs.size(), kMostNames, "outputs");
  }
  return graph;
}

void read_opset(std::string_view bytes, Model& model) {
  std::string_view domain;
  Index version = 0;
  for (ProtobufReader reader(bytes); reader.next();) {
    if (reader.field() == opset_field::domain) domain = name_of_message(reader);
    if (reader.field() == opset_field::version) version = reader.integer();
  }
  if (domain.empty() || domain == "ai.onnx") model.opset = version;
}

}  // namespace

Model read_model(std::string_view file) {
  Model model;
  std::optional<std::string_view> graph;
  for (ProtobufReader reader(file); reader.next();) {
    switch (reader.field()) {
      case model_field::producer: model.producer = name_of_message(reader); break;
      case model_field::graph: graph = reader.bytes(); break;
      case model_field::opset: read_opset(reader.bytes(), model); break;
      case model_field::metadata: read_message_entry(reader.bytes(), model.metadata); break;
      default: break;
    }
  }
  if (!graph) refuse_model("is no ONNX model: it has no graph");
  if (model.opset < kLeastOpset || model.opset > kMostOpset) {
    refuse_model(fmt::format("is of opset {}; opsets {} to {} are read", model.opset, kLeastOpset,
                             kMostOpset));
  }
  model.graph = read_graph(*graph);
  return model;
}

}  // namespace kindred::onnx
