#pragma once
#include <memory>

#include "nn/convolution.h"
#include "nn/registry.h"

namespace kindred {

/// True for a convolution of an image of few channels whose diff nobody wants, in bfloat16 or with
/// AVX-512: what a network begins with. oneDNN is slow at these, own loops are not.
bool is_stem(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
             const Compiler& compiler);
std::unique_ptr<Layer> make_stem(const FusedSpec& spec, const Source& src,
                                 const ConvolutionSettings& settings, Compiler& compiler);

}  // namespace kindred
