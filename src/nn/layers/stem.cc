#include "nn/layers/stem.h"

#include <algorithm>

#include "kindred/core/time_scope.h"
#include "nn/kernels/stem_kernels.h"
#include "nn/layers/weight_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {

FormatTag stem_layout(ElementType type) {
  if (type == kBfloat16) return FormatTag::nhwc;
  return vector_floats(isa()) == 16 ? FormatTag::nChw16c : FormatTag::nChw8c;
}

StemPlaces stem_places(const Shape& dst, ElementType type) {
  const Index C = dst.channels;
  if (type == kBfloat16) return {C, C, 0};
  const Index block = vector_floats(isa());
  return {block, block, block * dst.height * dst.width};
}

StemPlan stem_plan(Index slice, const Source& src, const ConvolutionSettings& settings) {
  StemPlan plan{.S = slice,
                .src = src.shape,
                .dst = settings.dst(src.shape),
                .kernel = settings.kernel,
                .stride = settings.stride,
                .padding = settings.padding};
  const StemPlaces places = stem_places(plan.dst, type_of(src.desc));
  plan.pixel_stride = places.pixel_stride;
  plan.block = places.block;
  plan.block_stride = places.block_stride;
  return plan;
}

namespace {

/// The first convolution of a network by own loops (stem_kernels.h).
class Stem final : public Layer {
 public:
  Stem(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
       Compiler& compiler)
      : Layer(spec.name(), spec.kind()), plan_(stem_plan(compiler.slice(), src, settings)) {
    const Index O = plan_.dst.channels;
    const Index C = plan_.src.channels;
    const Index K = plan_.kernel;
    numbers_.claim(spec, {O, C, K, K}, C * K * K, settings.bias, compiler);
    set_src(src.shape, src.desc);
    const ElementType type = type_of(src.desc);
    set_dst(plan_.dst, tensor(plan_.S, plan_.dst, stem_layout(type), type));
    behind_ = ActivationPass(numbers_.activation().behind_loops(), plan_.S, plan_.dst, dst_desc());
    weights_ = Buffer<float>(plan_.taps() * O);
    if (compiler.training()) {
      gradient_ = compiler.claim_gradient(plan_.taps() * O);
      if (numbers_.has_bias()) bias_gradient_ = compiler.claim_gradient(O);
    }
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    const Index floats = static_cast<Index>(sizeof(float));
    return ScratchFrame::cost(plan_.padded_floats() * floats) +
           ScratchFrame::cost(plan_.taps() * plan_.dst.channels * floats) +
           ScratchFrame::cost(plan_.dst.channels * floats);
  }
  bool multiplies() const override { return true; }
  double flops() const override {
    return 2.0 * static_cast<double>(plan_.dst.size() * plan_.taps());
  }

  void pack(std::span<const float> parameters) override {
    const float* plain = numbers_.prepare(parameters);
    for_stem_weights(
        plan_, [&](Index at_plain, Index at_packed) { weights_[at_packed] = plain[at_plain]; });
  }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    const auto to = numbers_.weights().of(gradient);
    for_stem_weights(plan_, [&](Index at_plain, Index at_packed) {
      to[static_cast<std::size_t>(at_plain)] = row[gradient_ + at_packed];
    });
    numbers_.unpack_bias(row + bias_gradient_, gradient);
  }

 private:
  friend class BoundStem;

  StemPlan plan_;
  ActivationPass behind_;  // what the loops do not compute
  WeightNumbers numbers_;
  Buffer<float> weights_;  // [taps, O]
  Index gradient_ = 0;
  Index bias_gradient_ = 0;
};

class BoundStem final : public BoundLayer {
 public:
  explicit BoundStem(const Stem& layer) : layer_(layer) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    src_ = src;
    ScratchFrame frame(run.scratch);
    with_element(layer_.src_desc(), [&]<typename T>() {
      kernels<StemKernels<T>>().forward(
          layer_.plan_, static_cast<const T*>(src), layer_.weights_.data(), layer_.numbers_.bias(),
          layer_.numbers_.activation().in_loops(), take_padded(frame), static_cast<T*>(dst));
    });
    layer_.behind_.run(layer_, dst, run);
  }

  void backward(const void* diff_dst, void*, LayerPass& run) override {
    const TimeScope time(run.time(layer_, &LayerTime::backward_weights));
    ScratchFrame frame(run.scratch);
    float* padded = take_padded(frame);
    const bool accumulate = run.accumulate == Accumulate::yes;
    const Index O = layer_.plan_.dst.channels;
    const auto with_bias = [&](float* diff_weights, float* diff_bias) {
      with_element(layer_.src_desc(), [&]<typename T>() {
        kernels<StemKernels<T>>().backward_weights(layer_.plan_, static_cast<const T*>(src_),
                                                   static_cast<const T*>(diff_dst), padded,
                                                   diff_weights, diff_bias);
      });
    };
    write_gradient(run.gradient + layer_.gradient_, layer_.plan_.taps() * O, accumulate,
                   run.scratch, [&](float* diff_weights) {
                     if (!layer_.numbers_.has_bias()) return with_bias(diff_weights, nullptr);
                     write_gradient(run.gradient + layer_.bias_gradient_, O, accumulate,
                                    run.scratch,
                                    [&](float* bias) { with_bias(diff_weights, bias); });
                   });
  }

 private:
  float* take_padded(ScratchFrame& frame) const {
    return static_cast<float*>(
        frame.take(layer_.plan_.padded_floats() * static_cast<Index>(sizeof(float))));
  }

  const Stem& layer_;
  const void* src_ = nullptr;
};

std::unique_ptr<BoundLayer> Stem::bind() const { return std::make_unique<BoundStem>(*this); }

}  // namespace

// What oneDNN 2.6.3 (jit:avx2, in the layouts that it likes best, without the reorders they cost)
// and these loops take on a Zen 3 for a slice of 16 in float32, forward and for the weights, us,
// each the least of 26 to 300 runs in turns:
//                             oneDNN                own loops
//   28x28x1 -> 64             296    1,789          350     362
//   28x28x1 -> 64, stride 2    98      473          104      85
//   32x32x3 -> 32             385      419          374     418
//   32x32x3 -> 32, stride 2    96       99           96      91
//   32x32x3 -> 64             788      857          771     931
//   96x96x3 -> 64          35,542   43,513       27,657  35,399
//   96x96x3 -> 64, stride 2 1,864    1,959        1,975   2,259
// So a grey image wins by far, and one in colour loses or wins less than what reorders take (src
// comes channels-last, oneDNN wants nchw).
bool is_stem(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
             const Compiler& compiler) {
  constexpr Index kMostTaps = 64;
  return (type_of(src.desc) == kBfloat16 || isa() >= Isa::v3) &&
         has_layout(src.desc, FormatTag::nhwc) && !(compiler.training() && src.wants_diff) &&
         !spec.sum && settings.groups == 1 && settings.dilation == 1 &&
         settings.channels % 16 == 0 &&
         settings.kernel * settings.kernel * src.shape.channels <= kMostTaps;
}

std::unique_ptr<Layer> make_stem(const FusedSpec& spec, const Source& src,
                                 const ConvolutionSettings& settings, Compiler& compiler) {
  return std::make_unique<Stem>(spec, src, settings, compiler);
}

}  // namespace kindred
