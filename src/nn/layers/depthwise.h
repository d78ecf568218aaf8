#pragma once
#include <memory>

#include "nn/contract/registry.h"
#include "nn/layers/convolution.h"

namespace kindred {

/// True where each channel is convolved by itself: groups = channels, as many as src has. Not where
/// convolution = "direct" asks for oneDNN's.
bool is_depthwise(const Source& src, const ConvolutionSettings& settings, const Compiler& compiler);
std::unique_ptr<Layer> make_depthwise(const FusedSpec& spec, const Source& src,
                                      const ConvolutionSettings& settings, Compiler& compiler);

}  // namespace kindred
