#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "kindred/core/error.h"
#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"
#include "nn/contract/compiler.h"
#include "nn/contract/fuse.h"
#include "nn/contract/layer.h"
#include "nn/onednn/tensor.h"

namespace kindred {

/// What a layer reads from.
struct Source {
  Shape shape;
  TensorDesc desc;
  bool wants_diff = true;  ///< false: nothing before it is trained
};

/// What a layer costs, for one sample.
struct LayerCost {
  double parameters = 0;     ///< trained numbers, of its own
  double multiply_adds = 0;  ///< of its product with weights, forward
};

/// Of a norm: a scale and a shift for each channel.
LayerCost norm_cost(const LayerSpec& spec, const Shape& src);

/// One kind of layer: a row of the registry.
struct LayerKind {
  const char* name;
  const char* summary;  ///< one line for `kindred list layers`
  /// Reads the layer's settings from its table of a recipe.
  void (*read)(Section section, LayerSpec& spec);
  /// The output's shape. Fails with ErrorKind::recipe where the input does not fit.
  Shape (*dst_shape)(const LayerSpec& spec, const Shape& src);
  std::unique_ptr<Layer> (*make)(const FusedSpec& spec, const Source& src, Compiler& compiler);
  /// REQUIRES: dst_shape() takes `src`. nullptr: it costs neither.
  LayerCost (*cost)(const LayerSpec& spec, const Shape& src) = nullptr;
};

std::span<const LayerKind* const> layer_kinds();
/// Fails with ErrorKind::recipe and a suggestion when there is none of that name.
const LayerKind& layer_kind(const std::string& name);

/// Follows a shape through a chain of layers.
Shape dst_shape(const std::vector<LayerSpec>& layers, Shape src);

/// A layer that does not fit what it reads. ErrorKind::recipe.
class Misfit : public Error {
 public:
  using Error::Error;
};
/// Throws Misfit: "layer 'pool4' (max_pool) on an input of 3 x 3 x 64 (height x width x channels):
/// PROBLEM".
[[noreturn]] void misfit(const LayerSpec& spec, const Shape& src, const std::string& problem);

}  // namespace kindred
