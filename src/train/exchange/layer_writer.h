#pragma once
#include <span>
#include <string>
#include <vector>

#include "kindred/core/shape.h"
#include "kindred/train/model.h"
#include "nn/contract/fuse.h"
#include "train/exchange/graph_writer.h"

namespace kindred {

/// A tensor of the graph: [N, C, H, W], or [N, C].
struct GraphValue {
  std::string name;
  Shape shape;
  bool is_image = true;
};

/// Writes a model's layers into a graph, cut into the pieces that inference computes, so that norms
/// are folded exactly as there.
class LayerWriter {
 public:
  /// REQUIRES: both outlive it.
  LayerWriter(const Model& model, GraphWriter& graph) : model_(model), graph_(graph) {}

  GraphValue write(const std::vector<LayerSpec>& layers, GraphValue src);
  /// The same numbers as [N, C], or as [N, C, H, W].
  GraphValue as_vector(const GraphValue& src, const std::string& name);
  GraphValue as_image(const GraphValue& src, const std::string& name);

  GraphWriter& graph() { return graph_; }
  /// Of the segment or state array of that name; fails with data where the model has none of that
  /// size.
  std::span<const float> numbers(const std::string& name, Index size) const;
  bool has_numbers(const std::string& name) const;
  /// As a constant of that name.
  std::string constant(const std::string& name, std::vector<Index> shape) const;

 private:
  GraphValue write(const FusedSpec& piece, GraphValue src);
  void weigh(const FusedSpec& piece, const std::vector<Index>& shape,
             std::vector<std::string>& inputs);
  GraphValue convolve(const FusedSpec& piece, GraphValue src);
  GraphValue multiply(const FusedSpec& piece, GraphValue src);

  const Model& model_;
  GraphWriter& graph_;
};

/// One kind of layer that has no weights of its own to fold into.
struct ExportKind {
  const char* kind;
  Index since = 1;  ///< the first opset that has what it becomes
  GraphValue (*write)(LayerWriter& writer, const LayerSpec& spec, const GraphValue& src);
};

/// nullptr where there is none of that name.
const ExportKind* export_kind(const std::string& kind);

}  // namespace kindred
