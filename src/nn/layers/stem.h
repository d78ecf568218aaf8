#pragma once
#include <memory>

#include "nn/contract/registry.h"
#include "nn/kernels/stem_kernels.h"
#include "nn/layers/convolution.h"

namespace kindred {

/// True for a convolution of an image of few channels whose diff nobody wants, in bfloat16 or from
/// AVX2 on: what a network begins with. oneDNN is slow at these, own loops are not.
bool is_stem(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
             const Compiler& compiler);
std::unique_ptr<Layer> make_stem(const FusedSpec& spec, const Source& src,
                                 const ConvolutionSettings& settings, Compiler& compiler);

/// What dst is in. float32: blocks of a vector's channels, as oneDNN's convolutions want them.
FormatTag stem_layout(ElementType type);
/// Where its channels lie (StemPlan).
struct StemPlaces {
  Index pixel_stride;
  Index block;
  Index block_stride;
};
StemPlaces stem_places(const Shape& dst, ElementType type);
StemPlan stem_plan(Index slice, const Source& src, const ConvolutionSettings& settings);

/// body(place in [O, C, K, K], place in [K, K, C, O]) for every weight.
template <typename F>
void for_stem_weights(const StemPlan& plan, F&& body) {
  const Index C = plan.src.channels;
  const Index K2 = plan.kernel * plan.kernel;
  for (Index o = 0; o < plan.dst.channels; ++o) {
    for (Index c = 0; c < C; ++c) {
      for (Index k = 0; k < K2; ++k) {
        body((o * C + c) * K2 + k, (k * C + c) * plan.dst.channels + o);
      }
    }
  }
}

}  // namespace kindred
