#include "nn/contract/registry.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/texts/did_you_mean.h"
#include "kindred/core/error.h"
#include "kindred/nn/registry.h"

namespace kindred {

extern const LayerKind kAveragePool;
extern const LayerKind kBatchNorm;
extern const LayerKind kConcatenate;
extern const LayerKind kConvolution;
extern const LayerKind kDropout;
extern const LayerKind kFlatten;
extern const LayerKind kGemPool;
extern const LayerKind kGlobalAveragePool;
extern const LayerKind kHardSwish;
extern const LayerKind kInstanceNorm;
extern const LayerKind kL2Normalize;
extern const LayerKind kLayerNorm;
extern const LayerKind kLinear;
extern const LayerKind kMaxPool;
extern const LayerKind kPrelu;
extern const LayerKind kRelu;
extern const LayerKind kRelu6;
extern const LayerKind kResidual;
extern const LayerKind kSqueezeExcite;
extern const LayerKind kSwish;

namespace {

// Every kind of layer. A new one: its file, its line here, its line in CMakeLists.txt.
constexpr const LayerKind* kKinds[] = {
    &kConvolution,       &kLinear,      &kBatchNorm,     &kInstanceNorm,
    &kLayerNorm,         &kRelu,        &kRelu6,         &kPrelu,
    &kHardSwish,         &kSwish,       &kMaxPool,       &kAveragePool,
    &kGlobalAveragePool, &kGemPool,     &kFlatten,       &kDropout,
    &kResidual,          &kConcatenate, &kSqueezeExcite, &kL2Normalize,
};

}  // namespace

std::span<const LayerKind* const> layer_kinds() { return kKinds; }

const LayerKind& layer_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const LayerKind* kind : kKinds) {
    if (name == kind->name) return *kind;
    names.emplace_back(kind->name);
  }
  fail(ErrorKind::recipe,
       fmt::format("there is no layer of kind '{}'{}", name,
                   did_you_mean(name, names, "; `kindred list layers` names them all")));
}

Shape dst_shape(const std::vector<LayerSpec>& layers, Shape src) {
  // Numbers of one sample behind a layer: with weights for each, or a slice of samples, still far
  // from what an Index holds.
  constexpr double kMost = 1 << 28;
  for (const LayerSpec& layer : layers) {
    const Shape dst = layer_kind(layer.kind).dst_shape(layer, src);
    if (static_cast<double>(dst.channels) * static_cast<double>(dst.height) *
            static_cast<double>(dst.width) >
        kMost) {
      misfit(layer, src,
             fmt::format("gives {} x {} x {} numbers a sample; at most {} are computed with",
                         dst.height, dst.width, dst.channels, static_cast<Index>(kMost)));
    }
    src = dst;
  }
  return src;
}

LayerCost norm_cost(const LayerSpec& /*spec*/, const Shape& src) {
  return {.parameters = 2.0 * static_cast<double>(src.channels)};
}

void misfit(const LayerSpec& spec, const Shape& src, const std::string& problem) {
  throw Misfit(
      ErrorKind::recipe,
      fmt::format("layer '{}' ({}) on an input of {} x {} x {} (height x width x channels): {}",
                  spec.name, spec.kind, src.height, src.width, src.channels, problem));
}

std::vector<LayerListing> list_layers() {
  std::vector<LayerListing> listings;
  for (const LayerKind* kind : kKinds) {
    listings.push_back({kind->name, kind->summary, [kind](Section section) {
                          LayerSpec spec{kind->name, kind->name, {}, {}, {}};
                          kind->read(section, spec);
                        }});
  }
  return listings;
}

}  // namespace kindred
