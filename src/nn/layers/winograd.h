#pragma once
#include <memory>

#include "nn/contract/registry.h"
#include "nn/layers/convolution.h"

namespace kindred {

/// True where winograd_kernels.h computes a convolution: from v3 on, 3x3 of stride 1,
/// both channels multiples of a register's floats and src in its layout, where the recipe asks for
/// it or, by "auto", where by its shape it beats direct convolution: in bfloat16 never with AMX.
/// Never by a timing: bits must not depend on one.
bool is_winograd(const Source& src, const ConvolutionSettings& settings, const Compiler& compiler);
std::unique_ptr<Layer> make_winograd(const FusedSpec& spec, const Source& src,
                                     const ConvolutionSettings& settings, Compiler& compiler);

}  // namespace kindred
