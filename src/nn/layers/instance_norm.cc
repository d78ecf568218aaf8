#include <algorithm>

#include "kindred/core/recipe.h"
#include "nn/channels/norm_kernels.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/layers/activation_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

struct InstanceNormSettings {
  double epsilon = 1e-5;

  template <typename Reader>
  void read(Reader& reader) {
    reader("epsilon", epsilon, "added to the variance", Range{1e-10, 1});
  }
};

/// Normalises each channel of each sample by its own mean and variance, in training and inference
/// alike, then scales and shifts by "NAME.scale" and "NAME.shift" [C]; with the activation and the
/// 2x2 max pool behind it. A batch norm's loops, over slices of one sample.
/// Source: Ulyanov et al. 2016, "Instance normalization: the missing ingredient".
class InstanceNorm final : public Layer {
 public:
  InstanceNorm(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()), S_(compiler.slice()), training_(compiler.training()) {
    const Index channels = src.shape.channels;
    const std::string& owner = spec.layer->name;
    scale_range_ = compiler.parameter(owner + ".scale", {channels}, false, {0, 1.0F});
    shift_range_ = compiler.parameter(owner + ".shift", {channels}, false, {0, 0.0F});
    activation_ = ActivationNumbers(spec.nonlinear, channels, compiler);
    set_src(src.shape, src.desc);
    const Shape dst{channels, spec.pool ? src.shape.height / 2 : src.shape.height,
                    spec.pool ? src.shape.width / 2 : src.shape.width};
    const FormatTag layout = layout_of(src.desc);
    set_dst(dst, tensor(S_, dst, layout, type_of(src.desc)));
    plan_ = {channel_layout(1, src.shape, layout), channel_layout(1, dst, layout),
             settings_of<InstanceNormSettings>(*spec.layer).epsilon, activation_.activation(),
             spec.pool != nullptr};
    scale_ = Buffer<float>(plan_.x.C);
    shift_ = Buffer<float>(plan_.x.C);
    if (training_) gradient_ = compiler.claim_gradient(gradient_floats());
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    const Index bytes = gradient_floats() * static_cast<Index>(sizeof(float));
    return ScratchFrame::cost(bytes) + ScratchFrame::cost(S_ * bytes);
  }
  void pack(std::span<const float> parameters) override {
    std::ranges::copy(scale_range_.of(parameters), scale_.data());
    std::ranges::copy(shift_range_.of(parameters), shift_.data());
    activation_.pack(parameters);
  }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    const float* from = row + gradient_;
    std::copy_n(from, scale_range_.size, scale_range_.of(gradient).data());
    std::copy_n(from + plan_.x.C, shift_range_.size, shift_range_.of(gradient).data());
    activation_.unpack_gradient(from + 2 * plan_.x.C, gradient);
  }
  double flops() const override { return 8.0 * static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundInstanceNorm;

  Index gradient_floats() const { return 2 * plan_.x.C + activation_.gradient_floats(); }

  Index S_;
  bool training_;
  NormPlan plan_;  // of one sample
  ParameterRange scale_range_;
  ParameterRange shift_range_;
  ActivationNumbers activation_;
  Buffer<float> scale_;  // padded with zeros to whole channel groups
  Buffer<float> shift_;
  Index gradient_ = 0;  // in the row: scale, shift, slopes
};

template <typename T>
class BoundInstanceNorm final : public BoundLayer {
 public:
  explicit BoundInstanceNorm(const InstanceNorm& layer)
      : layer_(layer), means_(layer.S_ * layer.plan_.x.C), variances_(layer.S_ * layer.plan_.x.C) {
    if (layer.training_ && layer.plan_.pool) selected_ = Buffer<T>(elements_of(layer.dst_desc()));
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    x_ = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    share(run, Work::forward, [&](Index n, Index part) {
      kernels_.forward(layer_.plan_, part, x_ + at_x(n), channels(n), y + at_y(n), selected(n));
    });
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const auto* dy = static_cast<const T*>(diff_dst);
    auto* dx = static_cast<T*>(diff_src);
    const Index C = layer_.plan_.x.C;
    const Index size = layer_.gradient_floats();
    write_gradient(run.gradient + layer_.gradient_, size, run.accumulate == Accumulate::yes,
                   run.scratch, [&](float* gradient) {
                     ScratchFrame frame(run.scratch);
                     auto* of_samples = static_cast<float*>(
                         frame.take(layer_.S_ * size * static_cast<Index>(sizeof(float))));
                     share(run, Work::backward_data, [&](Index n, Index part) {
                       float* of = of_samples + n * size;
                       kernels_.backward(
                           layer_.plan_, part, x_ + at_x(n), selected(n), channels(n), dy + at_y(n),
                           {of, of + C, layer_.activation_.has_slopes() ? of + 2 * C : nullptr},
                           dx == nullptr ? nullptr : dx + at_x(n));
                     });
                     std::copy_n(of_samples, size, gradient);
                     for (Index n = 1; n < layer_.S_; ++n) {
                       add({of_samples + n * size, static_cast<std::size_t>(size)}, gradient);
                     }
                   });
  }

 private:
  /// body(sample, part of its channels)
  template <typename F>
  void share(const LayerPass& run, Work work, F&& body) const {
    const Index parts = kernels_.parts(layer_.plan_);
    run.share(layer_, work, layer_.S_ * parts,
              [&](Index i, ScratchStack&) { body(i / parts, i % parts); });
  }

  Index at_x(Index n) const { return n * layer_.plan_.x.sample_stride; }
  Index at_y(Index n) const { return n * layer_.plan_.y.sample_stride; }
  T* selected(Index n) { return selected_.size() > 0 ? selected_.data() + at_y(n) : nullptr; }
  NormChannels channels(Index n) {
    const Index at = n * layer_.plan_.x.C;
    return {layer_.scale_.data(), layer_.shift_.data(), means_.data() + at, variances_.data() + at};
  }

  const InstanceNorm& layer_;
  const NormKernels<T>& kernels_ = kernels<NormKernels<T>>();
  const T* x_ = nullptr;
  Buffer<float> means_;  // [S, C], and so are variances
  Buffer<float> variances_;
  Buffer<T> selected_;  // pool: the x that won each window
};

std::unique_ptr<BoundLayer> InstanceNorm::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundInstanceNorm<T>>(*this);
  });
}

Shape instance_norm_dst(const LayerSpec& spec, const Shape& src) {
  if (src.height * src.width == 1) {
    misfit(spec, src, "of a single pixel nothing is left; a layer_norm normalises vectors");
  }
  return src;
}

}  // namespace

extern const LayerKind kInstanceNorm;
const LayerKind kInstanceNorm{
    "instance_norm",
    "normalises each channel of each sample, then scales and shifts",
    read_settings<InstanceNormSettings>,
    instance_norm_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<InstanceNorm>(spec, src, compiler);
    },
    norm_cost};

}  // namespace kindred
