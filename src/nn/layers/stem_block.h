#pragma once
#include <memory>
#include <span>

#include "nn/contract/registry.h"

namespace kindred {

/// True where `pieces` begin with what stem_block_kernels.h computes as one: a stem
/// (stem.h) of a grey image, 3x3 and stride 1; behind it in training, where it may have no bias, a
/// batch norm that pools, in inference a 2x2 max pool; a ReLU, or no activation.
bool is_stem_block(std::span<const FusedSpec> pieces, const Source& src, const Compiler& compiler);
/// Of the first two pieces.
std::unique_ptr<Layer> make_stem_block(std::span<const FusedSpec> pieces, const Source& src,
                                       Compiler& compiler);

}  // namespace kindred
