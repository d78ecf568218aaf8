#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/index.h"
#include "train/onnx/fields.h"

namespace kindred::onnx {

/// TensorProto. Large values stay where the file has them.
struct Tensor {
  std::string_view name;
  int type = 0;  ///< a TensorType, or one that is not known here
  std::vector<Index> shape;
  std::string_view raw;  ///< little-endian, or empty where the values are in a list
  std::vector<float> floats;
  std::vector<double> doubles;
  std::vector<std::int64_t> integers;
  bool is_external = false;  ///< the values are in another file:
  std::map<std::string, std::string> external;
};

/// AttributeProto; graphs inside are noticed, not read.
struct Attribute {
  int type = 0;  ///< an attribute_type
  float real = 0;
  std::int64_t integer = 0;
  std::string_view text;
  Tensor tensor;
  std::vector<float> reals;
  std::vector<std::int64_t> integers;
};

/// NodeProto. An optional input that is left out has no name.
struct Node {
  std::string_view name;
  std::string_view op;
  std::string_view domain;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::map<std::string_view, Attribute> attributes;
};

/// ValueInfoProto of a tensor.
struct Value {
  std::string_view name;
  int type = 0;
  bool has_shape = false;
  std::vector<Index> shape;  ///< -1: free
};

struct Graph {
  std::vector<Node> nodes;
  std::vector<Tensor> constants;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
};

/// ModelProto.
struct Model {
  Index opset = 0;  ///< of ONNX's own operators
  std::string_view producer;
  std::map<std::string, std::string> metadata;
  Graph graph;
};

/// Reads a file's messages. The model points into `file`. Fails with data on what is no such
/// message, on more nodes, constants or names than a network has, and on an opset that is not
/// known; the text begins where a file's name would stand before it.
Model read_model(std::string_view file);

}  // namespace kindred::onnx
