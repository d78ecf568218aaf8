#include "train/exchange/layer_writer.h"

#include <fmt/format.h>

#include "kindred/core/error.h"
#include "nn/contract/registry.h"
#include "nn/layers/fold_norm.h"
#include "train/exchange/layer_settings.h"

namespace kindred {

std::span<const float> LayerWriter::numbers(const std::string& name, Index size) const {
  const auto length = static_cast<std::size_t>(size);
  if (const Segment* segment = model_.table.find(name); segment && segment->size == size) {
    return model_.parameters.span().subspan(static_cast<std::size_t>(segment->offset), length);
  }
  const State::Array* array = model_.state.find(name);
  if (array != nullptr && array->type == DataType::f32 && array->size() == size) {
    return array->as<float>();
  }
  fail(ErrorKind::data,
       fmt::format("the model has no array '{}' of {} numbers, which its layers need", name, size));
}

bool LayerWriter::has_numbers(const std::string& name) const {
  return model_.table.find(name) != nullptr;
}

std::string LayerWriter::constant(const std::string& name, std::vector<Index> shape) const {
  Index size = 1;
  for (const Index extent : shape) size *= extent;
  return graph_.constant(name, std::move(shape), numbers(name, size));
}

GraphValue LayerWriter::as_vector(const GraphValue& src, const std::string& name) {
  if (!src.is_image) return src;
  return {graph_.node("Flatten", name, {src.name}, Attributes().integer("axis", 1)),
          {src.shape.size(), 1, 1},
          false};
}

GraphValue LayerWriter::as_image(const GraphValue& src, const std::string& name) {
  if (src.is_image) return src;
  const std::int64_t shape[] = {0, src.shape.channels, 1, 1};  // 0: what it is
  return {graph_.node("Reshape", name, {src.name, graph_.constant(name + ".shape", {4}, shape)}),
          src.shape, true};
}

GraphValue LayerWriter::write(const std::vector<LayerSpec>& layers, GraphValue src) {
  for (const FusedSpec& piece : fuse(layers, NetworkMode::inference)) {
    src = write(piece, std::move(src));
  }
  return src;
}

GraphValue LayerWriter::write(const FusedSpec& piece, GraphValue src) {
  const LayerSpec& layer = *piece.layer;
  if (layer.kind == "convolution") {
    src = convolve(piece, std::move(src));
  } else if (layer.kind == "linear") {
    src = multiply(piece, std::move(src));
  }
  for (const LayerSpec* part : {piece.layer, piece.nonlinear, piece.pool}) {
    if (part == nullptr || part->kind == "convolution" || part->kind == "linear") continue;
    const ExportKind* kind = export_kind(part->kind);
    if (kind == nullptr) {
      fail(ErrorKind::internal, fmt::format("layers of kind '{}' are not exported", part->kind));
    }
    if (graph_.opset() < kind->since) {
      fail(ErrorKind::usage,
           fmt::format("layer '{}' ({}) is written with operators that opset {} has first; use "
                       "--opset {} or more",
                       part->name, part->kind, kind->since, kind->since));
    }
    const Shape dst = dst_shape({*part}, src.shape);
    src = kind->write(*this, *part, src);
    src.shape = dst;
  }
  return src;
}

/// The weights, and what is added where something is, behind `inputs`; a norm behind them folded
/// in.
void LayerWriter::weigh(const FusedSpec& piece, const std::vector<Index>& shape,
                        std::vector<std::string>& inputs) {
  const std::string& name = piece.name();
  const Index channels = shape[0];
  Index size = 1;
  for (const Index extent : shape) size *= extent;
  const std::span<const float> given = numbers(name + ".weights", size);
  std::vector<float> weights(given.begin(), given.end());
  std::vector<float> bias;
  const bool has_bias = has_numbers(name + ".bias");
  if (has_bias || piece.norm != nullptr) bias.resize(static_cast<std::size_t>(channels));
  if (has_bias) std::ranges::copy(numbers(name + ".bias", channels), bias.begin());
  if (piece.norm != nullptr) {
    const std::string& norm = piece.norm->name;
    fold({numbers(norm + ".scale", channels), numbers(norm + ".shift", channels),
          numbers(norm + ".running_mean", channels), numbers(norm + ".running_variance", channels),
          LayerSettings(*piece.norm).real("epsilon")},
         weights, bias);
  }
  inputs.push_back(graph_.constant(name + ".weights", shape, weights));
  if (!bias.empty()) inputs.push_back(graph_.constant(name + ".bias", {channels}, bias));
}

GraphValue LayerWriter::convolve(const FusedSpec& piece, GraphValue src) {
  const LayerSettings settings(*piece.layer);
  const Index kernel = settings.integer("kernel");
  const Index stride = settings.integer("stride");
  const Index padding = settings.integer("padding");
  const Index dilation = settings.integer("dilation");
  const Index groups = settings.integer("groups");
  const Index channels = settings.integer("channels");
  src = as_image(src, piece.name() + ".image");
  std::vector<std::string> inputs{src.name};
  weigh(piece, {channels, src.shape.channels / groups, kernel, kernel}, inputs);
  return {graph_.node("Conv", piece.name(), std::move(inputs),
                      Attributes()
                          .integers("kernel_shape", {kernel, kernel})
                          .integers("strides", {stride, stride})
                          .integers("pads", {padding, padding, padding, padding})
                          .integers("dilations", {dilation, dilation})
                          .integer("group", groups)),
          dst_shape({*piece.layer}, src.shape), true};
}

GraphValue LayerWriter::multiply(const FusedSpec& piece, GraphValue src) {
  const Index features = LayerSettings(*piece.layer).integer("features");
  src = as_vector(src, piece.flatten != nullptr ? piece.flatten->name : piece.name() + ".vector");
  std::vector<std::string> inputs{src.name};
  weigh(piece, {features, src.shape.channels}, inputs);
  return {graph_.node("Gemm", piece.name(), std::move(inputs), Attributes().integer("transB", 1)),
          {features, 1, 1},
          false};
}

}  // namespace kindred
