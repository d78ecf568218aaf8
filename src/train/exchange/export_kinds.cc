#include <fmt/format.h>

#include <string_view>

#include "train/exchange/layer_settings.h"
#include "train/exchange/layer_writer.h"

// What each kind of layer becomes in a graph. A new kind: its function, its line in the table.

namespace kindred {
namespace {

/// A node with the layer's name, one input, and a result like it.
GraphValue unary(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src,
                 const std::string& op, Attributes attributes = {}) {
  return {writer.graph().node(op, spec.name, {src.name}, std::move(attributes)), src.shape,
          src.is_image};
}

GraphValue write_relu(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  return unary(writer, spec, src, "Relu");
}

GraphValue write_batch_norm(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  std::vector<std::string> inputs{src.name};
  for (const char* part : {".scale", ".shift", ".running_mean", ".running_variance"}) {
    inputs.push_back(writer.constant(spec.name + part, {src.shape.channels}));
  }
  const LayerSettings settings(spec);
  return {writer.graph().node("BatchNormalization", spec.name, std::move(inputs),
                              Attributes()
                                  .real("epsilon", settings.real("epsilon"))
                                  .real("momentum", 1 - settings.real("momentum"))),
          src.shape, src.is_image};
}

GraphValue write_pool(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  const LayerSettings settings(spec);
  const Index kernel = settings.integer("kernel");
  const Index stride = settings.integer("stride");
  const Index padding = settings.integer("padding");
  Attributes attributes = Attributes()
                              .integers("kernel_shape", {kernel, kernel})
                              .integers("strides", {stride, stride})
                              .integers("pads", {padding, padding, padding, padding});
  const GraphValue image = writer.as_image(src, spec.name + ".image");
  if (spec.kind == "max_pool") {
    return unary(writer, spec, image, "MaxPool", std::move(attributes));
  }
  return unary(writer, spec, image, "AveragePool",
               std::move(attributes).integer("count_include_pad", 0));
}

GraphValue write_global_average_pool(LayerWriter& writer, const LayerSpec& spec,
                                     const GraphValue& src) {
  return unary(writer, spec, writer.as_image(src, spec.name + ".image"), "GlobalAveragePool");
}

GraphValue write_flatten(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  return writer.as_vector(src, spec.name);
}

GraphValue write_residual(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  GraphValue body = writer.write(spec.body, src);
  GraphValue shortcut = writer.write(spec.shortcut, src);
  if (body.is_image != shortcut.is_image) {  // one pixel each
    body = writer.as_vector(body, spec.name + ".body");
    shortcut = writer.as_vector(shortcut, spec.name + ".shortcut");
  }
  const bool relu = LayerSettings(spec).flag("relu");
  body.name =
      writer.graph().node("Add", relu ? spec.name + ".sum" : spec.name, {body.name, shortcut.name});
  return relu ? unary(writer, spec, body, "Relu") : body;
}

GraphValue write_prelu(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  std::vector<Index> shape{src.shape.channels};
  if (src.is_image) shape.insert(shape.end(), {1, 1});
  const std::string slope = writer.constant(spec.name + ".slope", shape);
  return {writer.graph().node("PRelu", spec.name, {src.name, slope}), src.shape, src.is_image};
}

GraphValue write_relu6(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  const std::string low = writer.graph().number(spec.name + ".low", 0);
  const std::string high = writer.graph().number(spec.name + ".high", 6);
  return {writer.graph().node("Clip", spec.name, {src.name, low, high}), src.shape, src.is_image};
}

GraphValue write_hard_swish(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  return unary(writer, spec, src, "HardSwish");
}

GraphValue write_swish(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  const std::string gate = writer.graph().node("Sigmoid", spec.name + ".sigmoid", {src.name});
  return {writer.graph().node("Mul", spec.name, {src.name, gate}), src.shape, src.is_image};
}

/// Its two linear layers as convolutions of one pixel: nothing is reshaped.
GraphValue write_squeeze_excite(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  const GraphValue image = writer.as_image(src, spec.name + ".image");
  const LayerSettings settings(spec);
  const Index channels = src.shape.channels;
  const Index squeezed = settings.integer("channels");
  GraphWriter& graph = writer.graph();
  const auto weigh = [&](const std::string& part, const std::string& from, Index in, Index out) {
    const std::string name = spec.name + part;
    return graph.node("Conv", name,
                      {from, writer.constant(name + ".weights", {out, in, 1, 1}),
                       writer.constant(name + ".bias", {out})});
  };
  std::string gate = graph.node("GlobalAveragePool", spec.name + ".means", {image.name});
  gate = weigh(".squeeze", gate, channels, squeezed);
  gate = graph.node("Relu", spec.name + ".relu", {gate});
  gate = weigh(".excite", gate, squeezed, channels);
  gate = settings.flag("hard") ? graph.node("HardSigmoid", spec.name + ".gate", {gate},
                                            Attributes().real("alpha", 1.0 / 6).real("beta", 0.5))
                               : graph.node("Sigmoid", spec.name + ".gate", {gate});
  return {graph.node("Mul", spec.name, {image.name, gate}), src.shape, true};
}

/// A node that scales and shifts what it has normalised.
GraphValue write_norm(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src,
                      const std::string& op, Attributes attributes) {
  const Index channels = src.shape.channels;
  const double epsilon = LayerSettings(spec).real("epsilon");
  return {writer.graph().node(op, spec.name,
                              {src.name, writer.constant(spec.name + ".scale", {channels}),
                               writer.constant(spec.name + ".shift", {channels})},
                              std::move(attributes).real("epsilon", epsilon)),
          src.shape, src.is_image};
}

GraphValue write_instance_norm(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  return write_norm(writer, spec, writer.as_image(src, spec.name + ".image"),
                    "InstanceNormalization", {});
}

GraphValue write_layer_norm(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  return write_norm(writer, spec, writer.as_vector(src, spec.name + ".vector"),
                    "LayerNormalization", Attributes().integer("axis", -1));
}

GraphValue write_l2_normalize(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  return unary(writer, spec, writer.as_vector(src, spec.name + ".vector"), "LpNormalization",
               Attributes().integer("axis", 1).integer("p", 2));
}

GraphValue write_gem_pool(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  const GraphValue image = writer.as_image(src, spec.name + ".image");
  const float power = writer.numbers(spec.name + ".power", 1)[0];
  GraphWriter& graph = writer.graph();
  const auto raise = [&](const std::string& part, const std::string& from, float to) {
    return graph.node("Pow", spec.name + part, {from, graph.number(spec.name + part + ".to", to)});
  };
  const auto epsilon = static_cast<float>(LayerSettings(spec).real("epsilon"));
  const std::string least = graph.number(spec.name + ".least", epsilon);
  std::string means = graph.node("Clip", spec.name + ".clip", {image.name, least});
  means = raise(".powers", means, power);
  means = graph.node("GlobalAveragePool", spec.name + ".means", {means});
  return {raise("", means, 1 / power), src.shape, true};
}

GraphValue write_concatenate(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src) {
  std::vector<GraphValue> branches;
  bool images = true;
  for (const std::vector<LayerSpec>& branch : spec.branches) {
    branches.push_back(writer.write(branch, src));
    images = images && branches.back().is_image;
  }
  GraphValue dst{"", src.shape, images};
  std::vector<std::string> inputs;
  for (const GraphValue& branch :
       branches) {  // as vectors where they are not alike: one pixel each
    const std::string name = fmt::format("{}.{}", spec.name, inputs.size());
    inputs.push_back(images ? branch.name : writer.as_vector(branch, name).name);
  }
  dst.name =
      writer.graph().node("Concat", spec.name, std::move(inputs), Attributes().integer("axis", 1));
  return dst;
}

constexpr ExportKind kExportKinds[] = {
    {"average_pool", 1, write_pool},
    {"batch_norm", 1, write_batch_norm},
    {"concatenate", 1, write_concatenate},
    {"flatten", 1, write_flatten},
    {"gem_pool", 1, write_gem_pool},
    {"global_average_pool", 1, write_global_average_pool},
    {"hard_swish", 14, write_hard_swish},
    {"instance_norm", 1, write_instance_norm},
    {"l2_normalize", 1, write_l2_normalize},
    {"layer_norm", 17, write_layer_norm},
    {"max_pool", 1, write_pool},
    {"prelu", 1, write_prelu},
    {"relu", 1, write_relu},
    {"relu6", 1, write_relu6},
    {"residual", 1, write_residual},
    {"squeeze_excite", 1, write_squeeze_excite},
    {"swish", 1, write_swish},
};

}  // namespace

const ExportKind* export_kind(const std::string& kind) {
  for (const ExportKind& row : kExportKinds) {
    if (kind == row.kind) return &row;
  }
  return nullptr;
}

}  // namespace kindred
