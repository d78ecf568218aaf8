#include "nn/layers/batch_norm.h"

#include <algorithm>

#include "nn/channels/norm_kernels.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/layers/activation_numbers.h"
#include "nn/layers/fold_norm.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

/// Normalises each channel by the slice's own mean and variance ("ghost" batch normalisation:
/// Ioffe & Szegedy 2015; Hoffer et al. 2017), with the activation and the 2x2 max pool behind it.
/// Inference, where nothing before it took it in: by the running statistics.
class BatchNorm final : public Layer {
 public:
  BatchNorm(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        numbers_(*spec.layer, src.shape.channels, compiler),
        training_(compiler.training() && !spec.layer->frozen) {
    set_src(src.shape, src.desc);
    const Shape dst{src.shape.channels, spec.pool ? src.shape.height / 2 : src.shape.height,
                    spec.pool ? src.shape.width / 2 : src.shape.width};
    const Index S = compiler.slice();
    const FormatTag layout = layout_of(src.desc);
    set_dst(dst, tensor(S, dst, layout, type_of(src.desc)));
    plan_ = {channel_layout(S, src.shape, layout), channel_layout(S, dst, layout),
             numbers_.settings.epsilon, Activation{}, spec.pool != nullptr};
    const Index C = plan_.x.C;
    activation_ = ActivationNumbers(spec.nonlinear, src.shape.channels, compiler);
    plan_.activation = activation_.activation();
    scale_ = Buffer<float>(C);
    shift_ = Buffer<float>(C);
    if (training_) {
      gradient_ = compiler.claim_gradient(gradient_floats());
      statistics_ = compiler.claim_statistics(2 * C);
    } else {
      mean_ = Buffer<float>(C);
      variance_ = Buffer<float>(C);
      if (compiler.training()) zeros_ = Buffer<float>(C);
    }
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return training_; }
  Index scratch_bytes() const override {
    return ScratchFrame::cost(gradient_floats() * static_cast<Index>(sizeof(float)));
  }

  void pack(std::span<const float> parameters) override {
    std::ranges::copy(numbers_.scale.of(parameters), scale_.data());
    std::ranges::copy(numbers_.shift.of(parameters), shift_.data());
    activation_.pack(parameters);
    if (training_) return;
    std::ranges::copy(numbers_.running_mean.values, mean_.data());
    std::ranges::copy(numbers_.running_variance.values, variance_.data());
  }

  void unpack_gradient(const float* row, std::span<float> gradient) override {
    if (!training_) return;
    const float* from = row + gradient_;
    std::copy_n(from, numbers_.scale.size, numbers_.scale.of(gradient).data());
    std::copy_n(from + plan_.x.C, numbers_.shift.size, numbers_.shift.of(gradient).data());
    activation_.unpack_gradient(from + 2 * plan_.x.C, gradient);
  }

  void update_running_statistics(std::span<const std::span<const float>> slices) override {
    if (!training_) return;
    numbers_.update_running(slices, statistics_, statistics_ + plan_.x.C,
                            static_cast<double>(plan_.x.S * plan_.x.pixels()));
  }

  double flops() const override { return 8.0 * static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundBatchNorm;

  Index gradient_floats() const { return 2 * plan_.x.C + activation_.gradient_floats(); }

  NormNumbers numbers_;
  ActivationNumbers activation_;
  bool training_;
  NormPlan plan_;
  Buffer<float> scale_;  // padded with zeros to whole channel groups, as are these:
  Buffer<float> shift_;
  Buffer<float> mean_;  // the running ones, where they are used
  Buffer<float> variance_;
  Buffer<float> zeros_;   // frozen in training only
  Index gradient_ = 0;    // in the row: scale, shift, slopes
  Index statistics_ = 0;  // in the slice's statistics: mean, then variance
};

template <typename T>
class BoundBatchNorm final : public BoundLayer {
 public:
  explicit BoundBatchNorm(const BatchNorm& layer) : layer_(layer) {
    if (layer.training_ && layer.plan_.pool) selected_ = Buffer<T>(elements_of(layer.dst_desc()));
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    x_ = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    if (layer_.training_) {
      T* selected = layer_.plan_.pool ? selected_.data() : nullptr;
      share(run, Work::forward, [&](Index part) {
        kernels_.forward(layer_.plan_, part, x_, channels(run), y, selected);
      });
    } else {
      share(run, Work::forward, [&](Index part) {
        kernels_.inference(layer_.plan_, part, x_, running(layer_.shift_, layer_.mean_), y);
      });
    }
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    if (!layer_.training_) {  // frozen: dx = dy scale / sqrt(variance + epsilon)
      if (diff_src == nullptr) return;
      share(run, Work::backward_data, [&](Index part) {
        kernels_.inference(layer_.plan_, part, static_cast<const T*>(diff_dst),
                           running(layer_.zeros_, layer_.zeros_), static_cast<T*>(diff_src));
      });
      return;
    }
    const Index C = layer_.plan_.x.C;
    write_gradient(run.gradient + layer_.gradient_, layer_.gradient_floats(),
                   run.accumulate == Accumulate::yes, run.scratch, [&](float* gradient) {
                     float* slopes = layer_.activation_.has_slopes() ? gradient + 2 * C : nullptr;
                     share(run, Work::backward_data, [&](Index part) {
                       kernels_.backward(layer_.plan_, part, x_, std::as_const(selected_).data(),
                                         channels(run), static_cast<const T*>(diff_dst),
                                         {gradient, gradient + C, slopes},
                                         static_cast<T*>(diff_src));
                     });
                   });
  }

 private:
  template <typename F>
  void share(const LayerPass& run, Work work, F&& body) const {
    run.share(layer_, work, kernels_.parts(layer_.plan_),
              [&](Index part, ScratchStack&) { body(part); });
  }

  /// By the running variance, around `mean`, to `shift`.
  NormChannels running(const Buffer<float>& shift, const Buffer<float>& mean) const {
    return {layer_.scale_.data(), shift.data(), const_cast<float*>(mean.data()),
            const_cast<float*>(layer_.variance_.data())};
  }

  NormChannels channels(LayerPass& run) const {
    float* seen = run.statistics.data() + layer_.statistics_;
    return {layer_.scale_.data(), layer_.shift_.data(), seen, seen + layer_.plan_.x.C};
  }

  const BatchNorm& layer_;
  const NormKernels<T>& kernels_ = kernels<NormKernels<T>>();
  const T* x_ = nullptr;
  Buffer<T> selected_;  // pool: the x that won each window
};

std::unique_ptr<BoundLayer> BatchNorm::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundBatchNorm<T>>(*this);
  });
}

}  // namespace

NormNumbers::NormNumbers(const LayerSpec& norm, Index channels, Compiler& compiler)
    : scale(compiler.parameter(norm.name + ".scale", {channels}, false, {0, 1.0F})),
      shift(compiler.parameter(norm.name + ".shift", {channels}, false, {0, 0.0F})),
      running_mean(compiler.state(norm.name + ".running_mean", channels, 0.0F)),
      running_variance(compiler.state(norm.name + ".running_variance", channels, 1.0F)),
      settings(settings_of<BatchNormSettings>(norm)) {}

void NormNumbers::update_running(std::span<const std::span<const float>> slices, Index mean,
                                 Index variance, double count) const {
  const double unbias = count > 1 ? count / (count - 1) : 1.0;
  const auto move = [&](std::span<float> running, Index offset, double factor) {
    for (std::size_t c = 0; c < running.size(); ++c) {
      double sum = 0;
      for (const auto slice : slices) {
        sum += static_cast<double>(slice[static_cast<std::size_t>(offset) + c]);
      }
      const double seen = factor * sum / static_cast<double>(slices.size());
      running[c] +=
          static_cast<float>(settings.momentum * (seen - static_cast<double>(running[c])));
    }
  };
  move(running_mean.moving, mean, 1.0);
  move(running_variance.moving, variance, unbias);
}

void fold(const NormNumbers& norm, std::span<const float> parameters, std::span<float> weights,
          std::span<float> bias) {
  fold({norm.scale.of(parameters), norm.shift.of(parameters), norm.running_mean.values,
        norm.running_variance.values, norm.settings.epsilon},
       weights, bias);
}

extern const LayerKind kBatchNorm;
const LayerKind kBatchNorm{
    "batch_norm",
    "normalises each channel over the slice, then scales and shifts",
    read_settings<BatchNormSettings>,
    [](const LayerSpec&, const Shape& src) { return src; },
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<BatchNorm>(spec, src, compiler);
    },
    norm_cost};

}  // namespace kindred
