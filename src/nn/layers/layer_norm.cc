#include <algorithm>

#include "kindred/core/recipe.h"
#include "nn/channels/feature_kernels.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

struct LayerNormSettings {
  double epsilon = 1e-5;

  template <typename Reader>
  void read(Reader& reader) {
    reader("epsilon", epsilon, "added to the variance", Range{1e-10, 1});
  }
};

/// Normalises each sample's features by their mean and variance, then scales and shifts each by
/// "NAME.scale" and "NAME.shift" [features]. The same in training and inference.
class LayerNorm final : public Layer {
 public:
  LayerNorm(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        epsilon_(settings_of<LayerNormSettings>(*spec.layer).epsilon) {
    const Index features = src.shape.channels;
    scale_range_ = compiler.parameter(name() + ".scale", {features}, false, {0, 1.0F});
    shift_range_ = compiler.parameter(name() + ".shift", {features}, false, {0, 0.0F});
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
    plan_ = {compiler.slice(), features, elements_of(src.desc) / compiler.slice()};
    scale_ = Buffer<float>(features);
    shift_ = Buffer<float>(features);
    if (compiler.training()) gradient_ = compiler.claim_gradient(2 * features);
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    return ScratchFrame::cost(2 * plan_.features * static_cast<Index>(sizeof(float)));
  }
  void pack(std::span<const float> parameters) override {
    std::ranges::copy(scale_range_.of(parameters), scale_.data());
    std::ranges::copy(shift_range_.of(parameters), shift_.data());
  }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    const float* from = row + gradient_;
    std::copy_n(from, plan_.features, scale_range_.of(gradient).data());
    std::copy_n(from + plan_.features, plan_.features, shift_range_.of(gradient).data());
  }
  double flops() const override { return 8.0 * static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundLayerNorm;

  double epsilon_;
  FeaturePlan plan_;
  ParameterRange scale_range_;
  ParameterRange shift_range_;
  Buffer<float> scale_;
  Buffer<float> shift_;
  Index gradient_ = 0;  // in the row: scale, then shift
};

template <typename T>
class BoundLayerNorm final : public BoundLayer {
 public:
  explicit BoundLayerNorm(const LayerNorm& layer)
      : layer_(layer), means_(layer.plan_.S), inverses_(layer.plan_.S) {}

  void forward(const void* src, void* dst, LayerPass&) override {
    x_ = static_cast<const T*>(src);
    kernels_.normalise(layer_.plan_, layer_.epsilon_, x_, layer_.scale_.data(),
                       layer_.shift_.data(), means_.data(), inverses_.data(), static_cast<T*>(dst));
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const Index features = layer_.plan_.features;
    write_gradient(run.gradient + layer_.gradient_, 2 * features, run.accumulate == Accumulate::yes,
                   run.scratch, [&](float* gradient) {
                     kernels_.normalise_backward(layer_.plan_, x_, layer_.scale_.data(),
                                                 means_.data(), inverses_.data(),
                                                 static_cast<const T*>(diff_dst), gradient,
                                                 gradient + features, static_cast<T*>(diff_src));
                   });
  }

 private:
  const LayerNorm& layer_;
  const FeatureKernels<T>& kernels_ = kernels<FeatureKernels<T>>();
  const T* x_ = nullptr;
  Buffer<float> means_;
  Buffer<float> inverses_;
};

std::unique_ptr<BoundLayer> LayerNorm::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundLayerNorm<T>>(*this);
  });
}

Shape layer_norm_dst(const LayerSpec& spec, const Shape& src) {
  if (src.height != 1 || src.width != 1) {
    misfit(spec, src, "it takes vectors; an instance_norm or a batch_norm normalises images");
  }
  return src;
}

}  // namespace

extern const LayerKind kLayerNorm;
const LayerKind kLayerNorm{
    "layer_norm",
    "normalises the features of each sample, then scales and shifts",
    read_settings<LayerNormSettings>,
    layer_norm_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<LayerNorm>(spec, src, compiler);
    },
    norm_cost};

}  // namespace kindred
