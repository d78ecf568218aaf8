#include <fmt/format.h>

#include <cmath>

#include "train/exchange/operators.h"

namespace kindred {
namespace {

double as_setting(Index value) { return static_cast<double>(value); }

void add_array(Piece& piece, const char* part, std::vector<Index> shape,
               std::vector<float> values) {
  piece.arrays.push_back({part, std::move(shape), std::move(values)});
}

/// The bias where there is one; the setting that says so.
void add_bias(Piece& piece, const ForeignNode& node, Index channels, float factor = 1) {
  const bool has_bias = node.has(2);
  piece.settings.emplace_back("bias", has_bias ? 1.0 : 0.0);
  if (!has_bias) return;
  std::vector<float> values = node.floats(2);
  const bool one_for_all = values.size() == 1;
  if (std::ssize(values) != channels && !one_for_all) {
    node.refuse(fmt::format("adds {} numbers to {} outputs", values.size(), channels));
  }
  values.resize(static_cast<std::size_t>(channels), values.empty() ? 0.0F : values[0]);
  for (float& value : values) value *= factor;
  add_array(piece, "bias", {channels}, std::move(values));
}

/// A linear layer of weights [in, out], or [out, in] where they lie as ours do.
Piece linear_piece(const ForeignNode& node, bool out_first, float factor) {
  const std::vector<Index>& shape = node.shape_of_constant(1);
  const Index inputs = node.vector(0).shape.channels;
  if (shape.size() != 2 || shape[out_first ? 1 : 0] != inputs || shape[out_first ? 0 : 1] < 1) {
    node.refuse(fmt::format("multiplies {} numbers with weights of the shape [{}]", inputs,
                            fmt::join(shape, ", ")));
  }
  const Index outputs = shape[out_first ? 0 : 1];
  std::vector<float> values = node.floats(1);
  if (!out_first) {
    std::vector<float> turned(values.size());
    for (Index i = 0; i < inputs; ++i) {
      for (Index o = 0; o < outputs; ++o) {
        turned[static_cast<std::size_t>(o * inputs + i)] =
            values[static_cast<std::size_t>(i * outputs + o)];
      }
    }
    values = std::move(turned);
  }
  for (float& value : values) value *= factor;
  Piece piece = node.piece("linear", 1);
  piece.settings.emplace_back("features", as_setting(outputs));
  add_array(piece, "weights", {outputs, inputs}, std::move(values));
  return piece;
}

}  // namespace

void read_conv(const ForeignNode& node) {
  const Step& src = node.image(0);
  const Window window = read_window(node, 1);
  const std::vector<Index>& shape = node.shape_of_constant(1);
  const Index groups = node.integer("group", 1);
  const Index channels = src.shape.channels;
  if (shape.size() != 4 || shape[0] < 1 || groups < 1 || groups > channels ||
      channels % groups != 0 || shape[0] % groups != 0 || shape[1] != channels / groups) {
    node.refuse(fmt::format("weights of the shape [{}] in {} groups do not fit {} channels",
                            fmt::join(shape, ", "), groups, channels));
  }
  Piece piece = node.piece("convolution", 1);
  piece.settings = {
      {"channels", as_setting(shape[0])},        {"kernel", as_setting(window.kernel)},
      {"stride", as_setting(window.stride)},     {"padding", as_setting(window.padding)},
      {"dilation", as_setting(window.dilation)}, {"groups", as_setting(groups)}};
  add_array(piece, "weights", shape, node.floats(1));
  add_bias(piece, node, shape[0]);
  node.give(std::move(piece));
}

void read_gemm(const ForeignNode& node) {
  if (node.integer("transA", 0) != 0) node.refuse("transposes its input");
  Piece piece =
      linear_piece(node, node.integer("transB", 0) != 0, static_cast<float>(node.real("alpha", 1)));
  add_bias(piece, node, static_cast<Index>(piece.setting("features")),
           static_cast<float>(node.real("beta", 1)));
  node.give(std::move(piece));
}

void read_mat_mul(const ForeignNode& node) {
  Piece piece = linear_piece(node, false, 1);
  piece.settings.emplace_back("bias", 0.0);
  node.give(std::move(piece));
}

void read_batch_normalization(const ForeignNode& node) {
  if (node.integer("training_mode", 0) != 0) {
    node.refuse("is in training mode; export the model for inference");
  }
  if (node.data(0).form == Form::image_last) node.refuse("reads no image [N, C, H, W]");
  const std::vector<Index> shape{node.data(0).shape.channels};
  Piece piece = node.piece("batch_norm", 1);
  // 1 - 0.9 as somebody wrote it, not as floats have it.
  const double momentum = std::round((1 - node.real("momentum", 0.9)) * 1e6) / 1e6;
  piece.settings = {{"momentum", momentum}, {"epsilon", node.real("epsilon", 1e-5)}};
  std::size_t input = 1;
  for (const char* part : {"scale", "shift", "running_mean", "running_variance"}) {
    add_array(piece, part, shape, node.floats(input++, shape));
  }
  for (const float variance : piece.array("running_variance")->values) {
    if (variance < 0) node.refuse("has a negative variance");
  }
  node.give(std::move(piece));
}

void read_instance_normalization(const ForeignNode& node) {
  const std::vector<Index> shape{node.image(0).shape.channels};
  Piece piece = node.piece("instance_norm", 1);
  piece.settings = {{"epsilon", node.real("epsilon", 1e-5)}};
  add_array(piece, "scale", shape, node.floats(1, shape));
  add_array(piece, "shift", shape, node.floats(2, shape));
  node.give(std::move(piece));
}

void read_layer_normalization(const ForeignNode& node) {
  const std::vector<Index> shape{node.vector(0).shape.channels};
  const Index axis = node.integer("axis", -1);
  if (axis != -1 && axis != 1) node.refuse(fmt::format("normalises along axis {}", axis));
  Piece piece = node.piece("layer_norm", 1);
  piece.settings = {{"epsilon", node.real("epsilon", 1e-5)}};
  add_array(piece, "scale", shape, node.floats(1, shape));
  add_array(
      piece, "shift", shape,
      node.has(2) ? node.floats(2, shape) : std::vector<float>(static_cast<std::size_t>(shape[0])));
  node.give(std::move(piece));
}

void read_prelu(const ForeignNode& node) {
  const Step& src = node.data(0);
  if (src.form == Form::image_last) node.refuse("reads no image [N, C, H, W]");
  Piece piece = node.piece("prelu", 1);
  add_array(piece, "slope", {src.shape.channels}, node.channels(1, src));
  node.give(std::move(piece));
}

}  // namespace kindred
