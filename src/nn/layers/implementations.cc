#include "nn/layers/implementations.h"

#include "nn/contract/settings.h"
#include "nn/layers/depthwise.h"
#include "nn/layers/linear.h"
#include "nn/layers/stem.h"
#include "nn/layers/stem_block.h"
#include "nn/layers/winograd.h"

namespace kindred {
namespace {

using Pieces = std::span<const FusedSpec>;

bool is_convolution(Pieces pieces) { return pieces[0].layer->kind == "convolution"; }
ConvolutionSettings fused_convolution(Pieces pieces) {
  return settings_of<ConvolutionSettings>(*pieces[0].layer);
}

constexpr Implementation kImplementations[] = {
    {"stem block",
     [](Pieces pieces, const Source& src, const Compiler& compiler) -> std::size_t {
       return is_stem_block(pieces, src, compiler) ? 2 : 0;
     },
     [](Pieces taken, const Source& src, Compiler& compiler) {
       return make_stem_block(taken, src, compiler);
     }},
    {"stem",
     [](Pieces pieces, const Source& src, const Compiler& compiler) -> std::size_t {
       return is_convolution(pieces) &&
              is_stem(pieces[0], src, fused_convolution(pieces), compiler);
     },
     [](Pieces taken, const Source& src, Compiler& compiler) {
       return make_stem(taken[0], src, fused_convolution(taken), compiler);
     }},
    {"depthwise",
     [](Pieces pieces, const Source& src, const Compiler& compiler) -> std::size_t {
       return is_convolution(pieces) && is_depthwise(src, fused_convolution(pieces), compiler);
     },
     [](Pieces taken, const Source& src, Compiler& compiler) {
       return make_depthwise(taken[0], src, fused_convolution(taken), compiler);
     }},
    {"Winograd",
     [](Pieces pieces, const Source& src, const Compiler& compiler) -> std::size_t {
       return is_convolution(pieces) && is_winograd(src, fused_convolution(pieces), compiler);
     },
     [](Pieces taken, const Source& src, Compiler& compiler) {
       return make_winograd(taken[0], src, fused_convolution(taken), compiler);
     }},
    {"product",
     [](Pieces pieces, const Source& src, const Compiler& compiler) -> std::size_t {
       return is_product_linear(pieces[0], src, compiler);
     },
     [](Pieces taken, const Source& src, Compiler& compiler) {
       return make_product_linear(taken[0], src, compiler);
     }},
    {"its kind's", [](Pieces, const Source&, const Compiler&) -> std::size_t { return 1; },
     [](Pieces taken, const Source& src, Compiler& compiler) {
       return layer_kind(taken[0].layer->kind).make(taken[0], src, compiler);
     }},
};

}  // namespace

std::span<const Implementation> implementations() { return kImplementations; }

std::unique_ptr<Layer> make_first(Pieces& pieces, const Source& src, Compiler& compiler) {
  for (const Implementation& implementation : kImplementations) {
    const std::size_t taken = implementation.takes(pieces, src, compiler);
    if (taken == 0) continue;
    const Pieces first = pieces.first(taken);
    pieces = pieces.subspan(taken);
    return implementation.make(first, src, compiler);
  }
  return nullptr;  // not reached: the last takes any
}

}  // namespace kindred
