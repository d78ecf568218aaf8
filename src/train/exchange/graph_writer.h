#pragma once
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kindred/core/index.h"
#include "train/protobuf/protobuf_writer.h"

namespace kindred {

/// The attributes of a node.
class Attributes {
 public:
  Attributes&& integer(std::string_view name, Index value) &&;
  Attributes&& integers(std::string_view name, std::initializer_list<Index> values) &&;
  Attributes&& real(std::string_view name, double value) &&;

 private:
  friend class GraphWriter;
  void add(std::string_view name, int type, ProtobufWriter value);
  ProtobufWriter fields_;
};

/// Builds the graph of an ONNX model: nodes with one output each, and constants. Tensors are named
/// after what made them; a name that is taken gets a number.
class GraphWriter {
 public:
  explicit GraphWriter(Index opset) : opset_(opset) {}

  Index opset() const { return opset_; }
  /// Keeps a name for what will be added, and returns it.
  std::string reserve(const std::string& name);
  /// Returns the name of what it gives.
  std::string node(const std::string& op, const std::string& name, std::vector<std::string> inputs,
                   Attributes attributes = {});
  /// Returns the constant's name. REQUIRES: `shape` multiplies to the number of values.
  std::string constant(const std::string& name, std::vector<Index> shape,
                       std::span<const float> values);
  std::string constant(const std::string& name, std::vector<Index> shape,
                       std::span<const std::int64_t> values);
  /// A constant of one number, without extents.
  std::string number(const std::string& name, float value) {
    return constant(name, {}, std::span<const float>(&value, 1));
  }
  /// Calls what is `name` now `output` everywhere.
  void rename(const std::string& name, const std::string& output);

  /// GraphProto's nodes and initialisers.
  ProtobufWriter fields() const;
  /// Of all constants.
  Index bytes() const { return bytes_; }

 private:
  struct Node {
    std::string op;
    std::vector<std::string> inputs;
    std::string output;
    ProtobufWriter attributes;
  };
  std::string constant(const std::string& name, const std::vector<Index>& shape, int type,
                       std::span<const std::byte> values);

  Index opset_;
  std::vector<Node> nodes_;
  ProtobufWriter constants_;
  Index bytes_ = 0;
  std::set<std::string> names_;
};

}  // namespace kindred
