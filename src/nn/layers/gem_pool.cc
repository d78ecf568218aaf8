#include "kindred/core/recipe.h"
#include "nn/channels/gem_kernels.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

struct GemPoolSettings {
  double power = 3;
  double epsilon = 1e-6;

  template <typename Reader>
  void read(Reader& reader) {
    reader("power", power, "before training; 1: the mean, large: nearly the maximum",
           Range{0.1, 100});
    reader("epsilon", epsilon, "smaller numbers count as this", Range{1e-10, 1});
  }
};

/// dst = (mean of max(src, epsilon)^p)^(1/p) of each channel over the image; p, "NAME.power" [1],
/// is trained.
class GemPool final : public Layer {
 public:
  GemPool(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()) {
    const auto settings = settings_of<GemPoolSettings>(*spec.layer);
    power_range_ =
        compiler.parameter(name() + ".power", {1}, false, {0, static_cast<float>(settings.power)});
    const Index S = compiler.slice();
    const Shape dst{src.shape.channels, 1, 1};
    const FormatTag layout = layout_of(src.desc);
    set_src(src.shape, src.desc);
    set_dst(dst, tensor(S, dst, layout, type_of(src.desc)));
    plan_ = {channel_layout(S, src.shape, layout), channel_layout(S, dst, layout),
             src.shape.channels, static_cast<float>(settings.epsilon)};
    if (compiler.training()) gradient_ = compiler.claim_gradient(1);
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    return ScratchFrame::cost(static_cast<Index>(sizeof(float))) +
           ScratchFrame::cost(plan_.x.S * static_cast<Index>(sizeof(double)));
  }
  void pack(std::span<const float> parameters) override { power_ = power_range_.of(parameters)[0]; }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    power_range_.of(gradient)[0] = row[gradient_];
  }
  /// A logarithm, a product, an exponential and a sum each.
  double flops() const override { return 4.0 * static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundGemPool;
  GemPlan plan_;
  ParameterRange power_range_;
  float power_ = 0;
  Index gradient_ = 0;
};

template <typename T>
class BoundGemPool final : public BoundLayer {
 public:
  explicit BoundGemPool(const GemPool& layer)
      : layer_(layer),
        largest_(layer.plan_.x.S * layer.plan_.x.C),
        means_(layer.plan_.x.S * layer.plan_.x.C) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    const GemPlan& plan = layer_.plan_;
    x_ = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    run.share(layer_, Work::forward, plan.x.S, [&](Index n, ScratchStack&) {
      const Index at = n * plan.x.C;
      kernels_.forward(plan, layer_.power_, x_ + n * plan.x.sample_stride, &largest_[at],
                       &means_[at], y + n * plan.y.sample_stride);
    });
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const GemPlan& plan = layer_.plan_;
    const auto* dy = static_cast<const T*>(diff_dst);
    auto* dx = static_cast<T*>(diff_src);
    ScratchFrame frame(run.scratch);
    auto* of_samples =
        static_cast<double*>(frame.take(plan.x.S * static_cast<Index>(sizeof(double))));
    run.share(layer_, Work::backward_data, plan.x.S, [&](Index n, ScratchStack&) {
      const Index at = n * plan.x.C;
      of_samples[n] = kernels_.backward(plan, layer_.power_, x_ + n * plan.x.sample_stride,
                                        &largest_[at], &means_[at], dy + n * plan.y.sample_stride,
                                        dx == nullptr ? nullptr : dx + n * plan.x.sample_stride);
    });
    write_gradient(run.gradient + layer_.gradient_, 1, run.accumulate == Accumulate::yes,
                   run.scratch, [&](float* dpower) {
                     double sum = 0;
                     for (Index n = 0; n < plan.x.S; ++n) sum += of_samples[n];
                     *dpower = static_cast<float>(sum);
                   });
  }

 private:
  const GemPool& layer_;
  const GemKernels<T>& kernels_ = kernels<GemKernels<T>>();
  const T* x_ = nullptr;
  Buffer<float> largest_;  // [S, C], and so are means
  Buffer<float> means_;
};

std::unique_ptr<BoundLayer> GemPool::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundGemPool<T>>(*this);
  });
}

}  // namespace

extern const LayerKind kGemPool;
const LayerKind kGemPool{
    "gem_pool",
    "the generalised mean of each channel over the image, with a trained power",
    read_settings<GemPoolSettings>,
    [](const LayerSpec&, const Shape& src) {
      return Shape{src.channels, 1, 1};
    },
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<GemPool>(spec, src, compiler);
    },
    [](const LayerSpec&, const Shape&) { return LayerCost{.parameters = 1}; }};

}  // namespace kindred
