#pragma once
#include <memory>

#include "kindred/core/recipe.h"
#include "nn/contract/registry.h"

namespace kindred {

struct LinearSettings {
  Index features = 128;
  bool bias = true;

  template <typename Reader>
  void read(Reader& reader) {
    reader("features", features, "output numbers", Range{1, 1 << 20});
    reader("bias", bias, "a number added to each output; off before a batch_norm");
  }
};

/// True for a linear layer that make_product_linear() computes: in inference and float32.
bool is_product_linear(const FusedSpec& spec, const Source& src, const Compiler& compiler);

/// A linear layer by core's product, whose numbers depend on their row alone. Those of oneDNN's
/// inner products do not: in slices of 8 or 32 rows its AVX2 code sums the last two rows in another
/// order (oneDNN 2.6.3), so that an embedding's last bits were a matter of its place.
std::unique_ptr<Layer> make_product_linear(const FusedSpec& spec, const Source& src,
                                           Compiler& compiler);

}  // namespace kindred
