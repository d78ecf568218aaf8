#include <fmt/format.h>

#include <algorithm>

#include "core/texts/json_text.h"
#include "kindred/core/error.h"
#include "kindred/core/file.h"
#include "kindred/train/export.h"
#include "train/exchange/layer_writer.h"
#include "train/exchange/model_texts.h"
#include "train/onnx/fields.h"

namespace kindred {
namespace {

using onnx::TensorType;

constexpr const char* kInput = "images";
constexpr const char* kOutput = "embeddings";
constexpr Index kMostMessage = Index{2} << 30;  // of a message of protocol buffers

bool is_vector(const Shape& shape) { return shape.height == 1 && shape.width == 1; }

/// The format's version that came with an opset.
Index ir_version(Index opset) { return opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7; }

/// ValueInfoProto: [batch, extents...].
ProtobufWriter value_info(const std::string& name, TensorType type,
                          const std::vector<Index>& extents) {
  ProtobufWriter shape;
  ProtobufWriter batch;
  batch.bytes(onnx::dimension_field::parameter, "batch");
  shape.message(onnx::shape_field::dimension, batch);
  for (const Index extent : extents) {
    ProtobufWriter dimension;
    dimension.integer(onnx::dimension_field::value, extent);
    shape.message(onnx::shape_field::dimension, dimension);
  }
  ProtobufWriter tensor;
  tensor.integer(onnx::tensor_type_field::element, static_cast<int>(type));
  tensor.message(onnx::tensor_type_field::shape, shape);
  ProtobufWriter value_type;
  value_type.message(onnx::type_field::tensor, tensor);
  ProtobufWriter info;
  info.bytes(onnx::value_field::name, name);
  info.message(onnx::value_field::type, value_type);
  return info;
}

/// (value - mean) * scale, each only where it changes something.
std::string scale_input(const InputScaling& scaling, bool image, const std::string& src,
                        GraphWriter& graph) {
  const auto channels = static_cast<Index>(scaling.mean.size());
  const std::vector<Index> shape =
      image ? std::vector<Index>{1, channels, 1, 1} : std::vector<Index>{1, channels};
  const auto all = [](const std::vector<float>& values, float value) {
    return std::ranges::all_of(values, [value](float each) { return each == value; });
  };
  std::string scaled = src;
  if (!all(scaling.mean, 0.0F)) {
    scaled = graph.node("Sub", "input.centred",
                        {scaled, graph.constant("input.mean", shape, scaling.mean)});
  }
  if (!all(scaling.scale, 1.0F)) {
    scaled = graph.node("Mul", "input.scaled",
                        {scaled, graph.constant("input.scale", shape, scaling.scale)});
  }
  return scaled;
}

GraphValue write_input(const Model& model, const OnnxOptions& options, GraphWriter& graph) {
  GraphValue src{kInput, model.architecture.src, !is_vector(model.architecture.src)};
  if (options.input == Element::u8) {
    src.name = graph.node("Cast", "input.floats", {src.name},
                          Attributes().integer("to", static_cast<int>(TensorType::f32)));
  }
  if (src.is_image && options.layout == ImageLayout::nhwc) {
    src.name = graph.node("Transpose", "input.nchw", {src.name},
                          Attributes().integers("perm", {0, 3, 1, 2}));
  }
  src.name = scale_input(model.scaling, src.is_image, src.name, graph);
  return src;
}

std::vector<Index> input_extents(const Shape& shape, ImageLayout layout) {
  if (is_vector(shape)) return {shape.channels};
  if (layout == ImageLayout::nhwc) return {shape.height, shape.width, shape.channels};
  return {shape.channels, shape.height, shape.width};
}

/// GraphProto.
ProtobufWriter write_graph(const Model& model, const OnnxOptions& options) {
  GraphWriter graph(options.opset);
  graph.reserve(kInput);
  graph.reserve(kOutput);
  LayerWriter writer(model, graph);
  GraphValue dst = writer.write(model.architecture.layers, write_input(model, options, graph));
  dst = writer.as_vector(dst, "vector");
  if (options.normalize) {
    dst.name = graph.node("LpNormalization", "normalized", {dst.name},
                          Attributes().integer("axis", 1).integer("p", 2));
  }
  graph.rename(dst.name, kOutput);
  if (graph.bytes() >= kMostMessage - (kMostMessage >> 6)) {
    fail(ErrorKind::data,
         fmt::format("the weights have {} bytes; an ONNX file has less than 2 GiB", graph.bytes()));
  }
  ProtobufWriter fields = graph.fields();
  fields.bytes(onnx::graph_field::name, "kindred");
  const TensorType element = options.input == Element::u8 ? TensorType::u8 : TensorType::f32;
  fields.message(
      onnx::graph_field::input,
      value_info(kInput, element, input_extents(model.architecture.src, options.layout)));
  fields.message(onnx::graph_field::output,
                 value_info(kOutput, TensorType::f32, {dst.shape.channels}));
  return fields;
}

}  // namespace

void export_onnx(const Model& model, const std::string& path, const OnnxOptions& options) {
  if (options.opset < kLeastOpset || options.opset > kMostOpset) {
    fail(ErrorKind::usage,
         fmt::format("opset {}: expected {} to {}", options.opset, kLeastOpset, kMostOpset));
  }
  ProtobufWriter file;
  file.integer(onnx::model_field::ir_version, ir_version(options.opset));
  file.bytes(onnx::model_field::producer, "kindred");
  ProtobufWriter opset;
  opset.bytes(onnx::opset_field::domain, "");
  opset.integer(onnx::opset_field::version, options.opset);
  file.message(onnx::model_field::opset, opset);
  for (const auto& [key, value] : model_texts(model)) {
    ProtobufWriter entry;
    entry.bytes(onnx::entry_field::key, key);
    entry.bytes(onnx::entry_field::value, value);
    file.message(onnx::model_field::metadata, entry);
  }
  file.message(onnx::model_field::graph, write_graph(model, options));
  write_file_durably(path, file.text());
}

const FileKind kOnnxFile{"an ONNX model", [](const std::string& path) {
                           // The format's version, then another field of ModelProto.
                           const std::string start = beginning_of_file(path, 3);
                           return start.size() == 3 && start[0] == 8 && start[1] > 0 &&
                                  start[1] < 32 && (start[2] & 7) == 2;
                         }};

}  // namespace kindred
