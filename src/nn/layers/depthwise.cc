#include "nn/layers/depthwise.h"

#include <algorithm>

#include "kindred/core/time_scope.h"
#include "nn/kernels/depthwise_kernels.h"
#include "nn/layers/weight_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

/// A convolution whose channels do not meet, by own loops in whatever layout src comes
/// (depthwise_kernels.h): that which the 1x1 convolutions before and behind it use.
class Depthwise final : public Layer {
 public:
  Depthwise(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
            Compiler& compiler)
      : Layer(spec.name(), spec.kind()), sum_(spec.sum) {
    const Index K = settings.kernel;
    numbers_.claim(spec, {settings.channels, 1, K, K}, K * K, settings.bias, compiler);
    const Index S = compiler.slice();
    const Shape dst = settings.dst(src.shape);
    const FormatTag layout = layout_of(src.desc);
    set_src(src.shape, src.desc);
    set_dst(dst, tensor(S, dst, layout, type_of(src.desc)));
    plan_ = {.src = channel_layout(S, src.shape, layout),
             .dst = channel_layout(S, dst, layout),
             .kernel = K,
             .stride = settings.stride,
             .padding = settings.padding,
             .dilation = settings.dilation};
    weights_ = Buffer<float>(plan_.weight_floats());
    if (numbers_.has_bias()) bias_ = Buffer<float>(plan_.src.C);
    if (compiler.training()) {
      gradient_ = compiler.claim_gradient(plan_.weight_floats());
      if (numbers_.has_bias()) bias_gradient_ = compiler.claim_gradient(plan_.src.C);
    }
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    const Index floats = static_cast<Index>(sizeof(float));
    return ScratchFrame::cost(plan_.weight_floats() * floats) +
           ScratchFrame::cost(plan_.src.C * floats);
  }
  double flops() const override {
    return 2.0 * static_cast<double>(dst_shape().size() * plan_.taps());
  }

  void pack(std::span<const float> parameters) override {
    const float* plain = numbers_.prepare(parameters);
    for_weights([&](Index at_plain, Index at_packed) { weights_[at_packed] = plain[at_plain]; });
    if (bias_.size() > 0) std::copy_n(numbers_.bias(), numbers_.channels(), bias_.data());
  }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    const auto to = numbers_.weights().of(gradient);
    for_weights([&](Index at_plain, Index at_packed) {
      to[static_cast<std::size_t>(at_plain)] = row[gradient_ + at_packed];
    });
    numbers_.unpack_bias(row + bias_gradient_, gradient);
  }

 private:
  template <typename T>
  friend class BoundDepthwise;

  /// body(place in [C, K, K], place among the packed) for all weights.
  template <typename F>
  void for_weights(F&& body) const {
    const Index taps = plan_.taps();
    for (const ChannelGroup& group : plan_.src.groups) {
      const Index channels = std::min<Index>(group.lanes, numbers_.channels() - group.channel);
      for (Index lane = 0; lane < channels; ++lane) {
        for (Index tap = 0; tap < taps; ++tap) {
          body((group.channel + lane) * taps + tap,
               group.channel * taps + tap * group.lanes + lane);
        }
      }
    }
  }

  DepthwisePlan plan_;
  bool sum_;
  WeightNumbers numbers_;
  Buffer<float> weights_;  // zero in padding channels, as is this:
  Buffer<float> bias_;
  Index gradient_ = 0;
  Index bias_gradient_ = 0;
};

template <typename T>
class BoundDepthwise final : public BoundLayer {
 public:
  explicit BoundDepthwise(const Depthwise& layer) : layer_(layer) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    src_ = static_cast<const T*>(src);
    const DepthwiseOutput output{layer_.bias_.size() > 0 ? layer_.bias_.data() : nullptr,
                                 layer_.sum_, layer_.numbers_.activation()};
    share(run, Work::forward, kernels_.forward_parts(layer_.plan_), [&](Index part) {
      kernels_.forward(layer_.plan_, part, src_, layer_.weights_.data(), output,
                       static_cast<T*>(dst));
    });
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const auto* dy = static_cast<const T*>(diff_dst);
    backward_weights(dy, run);
    if (diff_src == nullptr) return;
    share(run, Work::backward_data, kernels_.data_parts(layer_.plan_), [&](Index part) {
      kernels_.backward_data(layer_.plan_, part, dy, layer_.weights_.data(),
                             static_cast<T*>(diff_src));
    });
  }

 private:
  template <typename F>
  void share(const LayerPass& run, Work work, Index parts, F&& body) const {
    run.share(layer_, work, parts, [&](Index part, ScratchStack&) { body(part); });
  }

  void backward_weights(const T* dy, LayerPass& run) {
    const TimeScope time(run.time(layer_, &LayerTime::backward_weights));
    const DepthwisePlan& plan = layer_.plan_;
    const bool accumulate = run.accumulate == Accumulate::yes;
    const auto compute = [&](float* diff_weights, float* diff_bias) {
      share(run, Work::backward_weights, kernels_.gradient_parts(plan), [&](Index part) {
        kernels_.backward_weights(plan, part, src_, dy, diff_weights, diff_bias);
      });
    };
    write_gradient(run.gradient + layer_.gradient_, plan.weight_floats(), accumulate, run.scratch,
                   [&](float* diff_weights) {
                     if (!layer_.numbers_.has_bias()) return compute(diff_weights, nullptr);
                     write_gradient(run.gradient + layer_.bias_gradient_, plan.src.C, accumulate,
                                    run.scratch,
                                    [&](float* diff_bias) { compute(diff_weights, diff_bias); });
                   });
  }

  const Depthwise& layer_;
  const DepthwiseKernels<T>& kernels_ = kernels<DepthwiseKernels<T>>();
  const T* src_ = nullptr;
};

std::unique_ptr<BoundLayer> Depthwise::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundDepthwise<T>>(*this);
  });
}

}  // namespace

bool is_depthwise(const Source& src, const ConvolutionSettings& settings,
                  const Compiler& compiler) {
  return compiler.convolution() != "direct" && settings.groups > 1 &&
         settings.groups == src.shape.channels && settings.channels == src.shape.channels;
}

std::unique_ptr<Layer> make_depthwise(const FusedSpec& spec, const Source& src,
                                      const ConvolutionSettings& settings, Compiler& compiler) {
  return std::make_unique<Depthwise>(spec, src, settings, compiler);
}

}  // namespace kindred
