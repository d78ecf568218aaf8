#include "nn/layers/winograd.h"

#include <fmt/format.h>

#include <algorithm>

#include "kindred/core/time_scope.h"
#include "kindred/nn/precision.h"
#include "nn/kernels/winograd_kernels.h"
#include "nn/layers/weight_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

/// For what does not depend on the element type.
const WinogradKernels<float>& winograd_loops() { return kernels<WinogradKernels<float>>(); }

FormatTag winograd_layout(ElementType type) {
  if (type == kBfloat16) return FormatTag::nhwc;
  return winograd_loops().group == 16 ? FormatTag::nChw16c : FormatTag::nChw8c;
}

/// The tile that needs fewer multiplications: in float always the smaller, as the larger errs ten
/// times as much. Rounding dst to bfloat16 costs a hundred times more than that.
WinogradPlan plan_of(Index S, const Source& src, const ConvolutionSettings& settings) {
  const WinogradPlan small{S, src.shape, settings.dst(src.shape), settings.padding, 4};
  WinogradPlan large = small;
  large.tile = 7;
  const bool wins = large.tiles() * large.points() < small.tiles() * small.points();
  return wins && type_of(src.desc) == kBfloat16 ? large : small;
}

class WinogradConvolution final : public Layer {
 public:
  WinogradConvolution(const FusedSpec& spec, const Source& src, const ConvolutionSettings& settings,
                      Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        plan_(plan_of(compiler.slice(), src, settings)),
        sum_(spec.sum) {
    const Index O = plan_.dst.channels;
    const Index C = plan_.src.channels;
    numbers_.claim(spec, {O, C, 3, 3}, 9 * C, settings.bias, compiler);
    set_src(src.shape, src.desc);
    const ElementType type = type_of(src.desc);
    set_dst(plan_.dst, tensor(plan_.S, plan_.dst, winograd_layout(type), type));
    behind_ = ActivationPass(numbers_.activation().behind_loops(), plan_.S, plan_.dst, dst_desc());

    forward_points_ = Buffer<float>(plan_.point_floats());
    if (compiler.training()) {
      const dnnl::memory::dims dims{O, C, 3, 3};
      const TensorDesc plain(dims, kFloat32, FormatTag::oihw);
      const TensorDesc gradient(dims, kFloat32, FormatTag::hwio);  // [9, C, O]
      unpack_ = std::make_unique<Reorder>(compiler.engine(), gradient, plain, name());
      gradient_ = compiler.claim_gradient(9 * C * O);
      if (numbers_.has_bias()) bias_gradient_ = compiler.claim_gradient(O);
    }
    if (compiler.training() && src.wants_diff) {
      data_points_ = Buffer<float>(plan_.point_floats());
    }
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    Index floats = std::max(winograd_loops().forward_scratch(plan_),
                            winograd_loops().forward_scratch(plan_.of_diff()));
    Index extra = 0;
    if (unpack_) {
      floats = std::max(floats, winograd_loops().gradient_scratch(plan_));
      extra = cost(9 * plan_.src.channels * plan_.dst.channels) + cost(plan_.dst.channels);
    }
    return cost(floats) + extra;
  }
  bool multiplies() const override { return true; }
  bool saves_operations() const override { return true; }
  double flops() const override {
    return 2.0 * static_cast<double>(plan_.dst.size() * plan_.src.channels * 9);
  }
  std::string implementation() const override {
    return fmt::format("own Winograd F({0}x{0}, 3x3)", plan_.tile);
  }

  void pack(std::span<const float> parameters) override {
    const Index C = plan_.src.channels;
    const Index O = plan_.dst.channels;
    const float* plain = numbers_.prepare(parameters);  // [O, C, 3, 3]
    share({C, O, plain, 9, 9 * C, false, plan_.tile, forward_points_.data()});
    if (data_points_.size() > 0) {
      share({O, C, plain, 9 * C, 9, true, plan_.tile, data_points_.data()});
    }
  }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    unpack_->run(row + gradient_, numbers_.weights().of(gradient).data());
    numbers_.unpack_bias(row + bias_gradient_, gradient);
  }

 private:
  template <typename T>
  friend class BoundWinograd;

  static Index cost(Index floats) {
    return ScratchFrame::cost(floats * static_cast<Index>(sizeof(float)));
  }
  static void share(const WinogradWeights& weights) {
    Workers::share(weights.parts(),
                   [&](Index part, int) { winograd_loops().transform_filter(weights, part); });
  }

  WinogradPlan plan_;
  bool sum_;
  ActivationPass behind_;  // what the loops do not compute
  WeightNumbers numbers_;
  Buffer<float> forward_points_, data_points_;
  std::unique_ptr<Reorder> unpack_;
  Index gradient_ = 0;
  Index bias_gradient_ = 0;
};

template <typename T>
class BoundWinograd final : public BoundLayer {
 public:
  explicit BoundWinograd(const WinogradConvolution& layer) : layer_(layer) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    src_ = static_cast<const T*>(src);
    compute({layer_.plan_, src_, layer_.forward_points_.data(), layer_.numbers_.bias(), layer_.sum_,
             layer_.numbers_.activation().in_loops(), static_cast<T*>(dst)},
            Work::forward, run);
    layer_.behind_.run(layer_, dst, run);
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const auto* dy = static_cast<const T*>(diff_dst);
    backward_weights(dy, run);
    if (diff_src == nullptr) return;
    const WinogradPlan plan = layer_.plan_.of_diff();
    compute({plan, dy, layer_.data_points_.data(), nullptr, false, {}, static_cast<T*>(diff_src)},
            Work::backward_data, run);
  }

 private:
  static float* take(ScratchFrame& frame, Index floats) {
    return static_cast<float*>(frame.take(floats * static_cast<Index>(sizeof(float))));
  }

  void compute(const WinogradForward<T>& convolution, Work work, const LayerPass& run) const {
    const WinogradPlan& plan = convolution.plan;
    run.share(layer_, work, loops_.forward_parts(plan), [&](Index part, ScratchStack& scratch) {
      ScratchFrame frame(scratch);
      loops_.forward(convolution, part, take(frame, loops_.forward_scratch(plan)));
    });
  }

  void compute(const WinogradGradient<T>& gradient, const LayerPass& run) const {
    const auto share = [&](Index parts, auto&& body) {
      run.share(layer_, Work::backward_weights, parts,
                [&](Index part, ScratchStack&) { body(part); });
    };
    const WinogradPlan& plan = gradient.plan;
    const Index transform_parts = (plan.src.channels + plan.dst.channels) / loops_.group;
    for (Index block = 0; block < loops_.gradient_blocks(plan); ++block) {
      share(transform_parts, [&](Index part) { loops_.gradient_transform(gradient, block, part); });
      share(gradient.kMultiplyParts,
            [&](Index part) { loops_.gradient_multiply(gradient, block, part); });
    }
    share(gradient.kFinishParts, [&](Index part) { loops_.gradient_finish(gradient, part); });
  }

  void backward_weights(const T* dy, LayerPass& run) {
    const TimeScope time(run.time(layer_, &LayerTime::backward_weights));
    ScratchFrame frame(run.scratch);
    const WinogradPlan& plan = layer_.plan_;
    float* scratch = take(frame, loops_.gradient_scratch(plan));
    const bool accumulate = run.accumulate == Accumulate::yes;
    write_gradient(run.gradient + layer_.gradient_, 9 * plan.src.channels * plan.dst.channels,
                   accumulate, run.scratch, [&](float* diff_weights) {
                     compute({plan, src_, dy, scratch, diff_weights}, run);
                   });
    if (!layer_.numbers_.has_bias()) return;
    write_gradient(run.gradient + layer_.bias_gradient_, plan.dst.channels, accumulate, run.scratch,
                   [&](float* diff_bias) { loops_.backward_bias(plan, dy, diff_bias); });
  }

  const WinogradConvolution& layer_;
  const WinogradKernels<T>& loops_ = kernels<WinogradKernels<T>>();
  const T* src_ = nullptr;
};

std::unique_ptr<BoundLayer> WinogradConvolution::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundWinograd<T>>(*this);
  });
}

/// From v4 on as measured with AVX-512 (bench/README.md); with AMX direct convolution is faster in
/// bfloat16. At v3 from 16 channels on, where Winograd multiplies at most half as often as direct
/// convolution. us of a slice of 16, oneDNN 2.6.3's jit:avx2 -> here, forward, backward data,
/// backward weights; one thread of a Zen 3 that others used too, the least of many:
///   64 channels   14x14 2,934 -> 1,085, 2,679 -> 1,085, 3,405 -> 1,150
///                 7x7 748 -> 266, 650 -> 266, 840 -> 293; 6x6 474 -> 278, 377 -> 294, 622 -> 329
///                 5x5 372 -> 362, 282 -> 372, 547 -> 421; 3x3 113 -> 68, 81 -> 68, 185 -> 94
///   32 channels   28x28 2,987 -> 1,301, 2,772 -> 1,301, 3,539 -> 1,547
///                 14x14 642 -> 355, 590 -> 382, 849 -> 450; 7x7 169 -> 84, 143 -> 84, 204 -> 98
///   128 channels  7x7 3,295 -> 1,329, 3,066 -> 1,329, 3,588 -> 1,794
///                 4x4 1,015 -> 397, 876 -> 393, 1,224 -> 569
///   16 channels   14x14 213 -> 117, 152 -> 117, 206 -> 125; 3x3 12 -> 8, 9 -> 8, 11 -> 10
bool wins(const Source& src, const ConvolutionSettings& settings) {
  const Shape dst = settings.dst(src.shape);
  const Index channels = std::min(src.shape.channels, dst.channels);
  if (isa() < Isa::v4) {
    const WinogradPlan plan{1, src.shape, dst};
    const Index multiplications = plan.tiles() * plan.points();
    return channels >= 16 && 2 * multiplications <= 9 * dst.height * dst.width;
  }
  return std::min(src.shape.height, src.shape.width) >= 7 && channels >= 32 &&
         (type_of(src.desc) == kFloat32 || !has_amx());
}

}  // namespace

bool is_winograd(const Source& src, const ConvolutionSettings& settings, const Compiler& compiler) {
  const std::string& wish = compiler.convolution();
  const ElementType type = type_of(src.desc);
  const Index group = winograd_loops().group;
  return isa() >= (type == kFloat32 ? Isa::v3 : Isa::v4) &&
         (wish == "winograd" || (wish == "auto" && wins(src, settings))) && settings.kernel == 3 &&
         settings.stride == 1 && settings.dilation == 1 && settings.groups == 1 &&
         src.shape.channels % group == 0 && settings.channels % group == 0 &&
         has_layout(src.desc, winograd_layout(type));
}

std::unique_ptr<Layer> make_winograd(const FusedSpec& spec, const Source& src,
                                     const ConvolutionSettings& settings, Compiler& compiler) {
  return std::make_unique<WinogradConvolution>(spec, src, settings, compiler);
}

}  // namespace kindred
