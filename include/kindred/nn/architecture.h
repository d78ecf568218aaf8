#pragma once
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/recipe.h"
#include "kindred/core/shape.h"
#include "kindred/nn/layer_spec.h"
#include "kindred/nn/precision.h"

namespace KINDRED_API kindred {

/// A network before it is compiled.
struct Architecture {
  std::string name;  ///< "conv4", "mlp", "resnet", or "layers"
  Shape src;
  std::vector<LayerSpec> layers;
  std::string convolution = "auto";  ///< "direct", "winograd" or "auto"
  Precision precision = Precision::float32;
};

/// Reads what [model] says of any architecture: `convolution` and `precision`.
void read_common(Section model, Architecture& architecture);

/// Reads [model]: `architecture` and its settings (width, depth, pool_last, hidden, dropout,
/// embedding, convolution, precision, ...) or [[model.layers]] one by one. `slice` and `lanes` are
/// the trainer's. Shapes are followed through; what does not fit fails with
/// ErrorKind::recipe and names the layer, its input shape and what to change.
Architecture read_architecture(Section model, const Shape& src);
/// The architecture of that name with the settings that [model] would have. Fails likewise.
Architecture make_architecture(const NamedSettings& settings, const Shape& src);

}  // namespace kindred
