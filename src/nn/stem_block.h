#pragma once
#include <memory>
#include <span>

#include "nn/registry.h"

namespace kindred {

/// True where `pieces` begin with what stem_block_kernels.h computes as one: a stem (stem.h)
/// without a bias, of a grey image, 3x3 and stride 1, then a batch norm that pools; in training,
/// with AVX-512.
bool is_stem_block(std::span<const FusedSpec> pieces, const Source& src, const Compiler& compiler);
/// Of the first two pieces.
std::unique_ptr<Layer> make_stem_block(std::span<const FusedSpec> pieces, const Source& src,
                                       Compiler& compiler);

}  // namespace kindred
