#include "nn/layers/stem_block.h"

#include <algorithm>

#include "kindred/core/time_scope.h"
#include "nn/contract/settings.h"
#include "nn/kernels/stem_block_kernels.h"
#include "nn/layers/stem.h"
#include "nn/layers/weight_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

constexpr Index kTaps = StemBlockPlan::kTaps;

Index bytes_of_floats(Index floats) { return floats * static_cast<Index>(sizeof(float)); }

StemBlockPlan block_plan(Index slice, const Source& src, const ConvolutionSettings& settings,
                         Activation activation) {
  StemBlockPlan plan;
  plan.convolution = stem_plan(slice, src, settings);
  const Shape& inner = plan.convolution.dst;
  plan.dst = {inner.channels, inner.height / 2, inner.width / 2};
  plan.activation = activation;
  const StemPlaces places = stem_places(plan.dst, type_of(src.desc));
  plan.pixel_stride = places.pixel_stride;
  plan.block = places.block;
  plan.block_stride = places.block_stride;
  return plan;
}

/// What training and inference have in common.
class StemBlock : public Layer {
 public:
  bool trainable() const override { return true; }
  bool multiplies() const override { return true; }
  double flops() const override {
    return 2.0 * static_cast<double>(kTaps * plan_.convolution.dst.size());
  }

 protected:
  StemBlock(const FusedSpec& convolution, const FusedSpec& behind, Activation activation,
            const Source& src, const ConvolutionSettings& settings, Compiler& compiler)
      : Layer(convolution.name(), convolution.kind() + " + " + behind.kind()),
        plan_(block_plan(compiler.slice(), src, settings, activation)) {
    numbers_.claim(convolution, {plan_.dst.channels, 1, 3, 3}, kTaps, settings.bias, compiler);
    set_src(src.shape, src.desc);
    const ElementType type = type_of(src.desc);
    set_dst(plan_.dst, tensor(compiler.slice(), plan_.dst, stem_layout(type), type));
    compiler.add_leaf(*this);
  }

  /// To [9, O].
  void pack_weights(std::span<const float> parameters, Buffer<float>& packed) {
    const float* plain = numbers_.prepare(parameters);
    for_stem_weights(plan_.convolution,
                     [&](Index at_plain, Index at_packed) { packed[at_packed] = plain[at_plain]; });
  }

  Index image_floats() const {
    return with_element(src_desc(), [&]<typename T>() {
      return kernels<StemBlockKernels<T>>().image_floats(plan_);
    });
  }
  Index winner_bytes() const {
    return with_element(src_desc(), [&]<typename T>() {
      return kernels<StemBlockKernels<T>>().winner_bytes(plan_);
    });
  }

  StemBlockPlan plan_;
  WeightNumbers numbers_;
};

class TrainingStemBlock final : public StemBlock {
 public:
  TrainingStemBlock(const FusedSpec& convolution, const FusedSpec& norm, const Source& src,
                    const ConvolutionSettings& settings, Compiler& compiler)
      : StemBlock(convolution, norm, norm.activation(), src, settings, compiler) {
    const Index O = plan_.dst.channels;
    plan_.epsilon = settings_of<BatchNormSettings>(*norm.layer).epsilon;
    norm_.emplace(*norm.layer, O, compiler);
    weights_ = Buffer<float>(kTaps * O);
    scale_ = Buffer<float>(O);
    shift_ = Buffer<float>(O);
    gradient_ = compiler.claim_gradient((kTaps + 2) * O);
    statistics_ = compiler.claim_statistics(2 * O);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  Index scratch_bytes() const override {
    return ScratchFrame::cost(bytes_of_floats((kTaps + 2) * plan_.dst.channels));
  }
  double flops() const override {
    return StemBlock::flops() + 8.0 * static_cast<double>(plan_.convolution.dst.size());
  }

  void pack(std::span<const float> parameters) override {
    pack_weights(parameters, weights_);
    std::ranges::copy(norm_->scale.of(parameters), scale_.data());
    std::ranges::copy(norm_->shift.of(parameters), shift_.data());
  }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    const Index O = plan_.dst.channels;
    const float* from = row + gradient_;
    const auto to = numbers_.weights().of(gradient);
    for_stem_weights(plan_.convolution, [&](Index at_plain, Index at_packed) {
      to[static_cast<std::size_t>(at_plain)] = from[at_packed];
    });
    std::copy_n(from + kTaps * O, O, norm_->scale.of(gradient).data());
    std::copy_n(from + (kTaps + 1) * O, O, norm_->shift.of(gradient).data());
  }
  void update_running_statistics(std::span<const std::span<const float>> slices) override {
    norm_->update_running(slices, statistics_, statistics_ + plan_.dst.channels, plan_.count());
  }

 private:
  friend class BoundTrainingStemBlock;

  std::optional<NormNumbers> norm_;
  Buffer<float> weights_;  // [9, O]
  Buffer<float> scale_;
  Buffer<float> shift_;
  Index gradient_ = 0;    // in the row: weights, scale, shift
  Index statistics_ = 0;  // in the slice's statistics: mean, then variance
};

class BoundTrainingStemBlock final : public BoundLayer {
 public:
  explicit BoundTrainingStemBlock(const TrainingStemBlock& layer)
      : layer_(layer),
        image_floats_(layer.image_floats()),
        images_(layer.plan_.convolution.S * image_floats_),
        winners_(layer.winner_bytes()) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    const StemBlockPlan& plan = layer_.plan_;
    const StemBlockChannels of = channels(run);
    ScratchFrame frame(run.scratch);
    auto* folded =
        static_cast<float*>(frame.take(bytes_of_floats((kTaps + 1) * plan.dst.channels)));
    const auto share = [&](Index parts, auto&& body) {
      run.share(layer_, Work::forward, parts, [&](Index part, ScratchStack&) { body(part); });
    };
    with_element(layer_.src_desc(), [&]<typename T>() {
      const auto& loops = kernels<StemBlockKernels<T>>();
      share(plan.convolution.S, [&](Index n) {
        loops.prepare(plan, static_cast<const T*>(src) + n * plan.convolution.src.size(),
                      images_.data() + n * image_floats_);
      });
      share(PatchMoments::kParts,
            [&](Index part) { loops.measure_patches(plan, images_.data(), part, moments_); });
      loops.statistics(plan, moments_, of, folded);
      share(plan.convolution.S, [&](Index n) {
        loops.forward(plan, n, images_.data(), folded, static_cast<T*>(dst), winners_.data());
      });
    });
  }

  void backward(const void* diff_dst, void*, LayerPass& run) override {
    const TimeScope time(run.time(layer_, &LayerTime::backward_weights));
    const Index O = layer_.plan_.dst.channels;
    write_gradient(run.gradient + layer_.gradient_, (kTaps + 2) * O,
                   run.accumulate == Accumulate::yes, run.scratch, [&](float* gradient) {
                     with_element(layer_.src_desc(), [&]<typename T>() {
                       run.share(layer_, Work::backward_weights, O / 16,
                                 [&](Index group, ScratchStack&) {
                                   kernels<StemBlockKernels<T>>().backward(
                                       layer_.plan_, group, images_.data(), moments_, channels(run),
                                       winners_.data(), static_cast<const T*>(diff_dst), gradient,
                                       gradient + kTaps * O, gradient + (kTaps + 1) * O);
                                 });
                     });
                   });
  }

 private:
  StemBlockChannels channels(LayerPass& run) const {
    float* seen = run.statistics.data() + layer_.statistics_;
    return {layer_.weights_.data(), layer_.scale_.data(), layer_.shift_.data(), seen,
            seen + layer_.plan_.dst.channels};
  }

  const TrainingStemBlock& layer_;
  Index image_floats_;
  Buffer<float> images_;  // what is never written stays 0
  Buffer<std::uint8_t> winners_;
  PatchMoments moments_;
};

std::unique_ptr<BoundLayer> TrainingStemBlock::bind() const {
  return std::make_unique<BoundTrainingStemBlock>(*this);
}

/// In inference: the norm, if any, is part of the weights.
class InferenceStemBlock final : public StemBlock {
 public:
  InferenceStemBlock(const FusedSpec& convolution, const FusedSpec& pool, const Source& src,
                     const ConvolutionSettings& settings, Compiler& compiler)
      : StemBlock(convolution, pool, convolution.activation(), src, settings, compiler),
        folded_((kTaps + 1) * plan_.dst.channels) {}

  std::unique_ptr<BoundLayer> bind() const override;

  void pack(std::span<const float> parameters) override {
    pack_weights(parameters, folded_);
    if (numbers_.has_bias()) {
      const Index O = plan_.dst.channels;
      std::copy_n(numbers_.bias(), O, folded_.data() + kTaps * O);
    }
  }

 private:
  friend class BoundInferenceStemBlock;

  Buffer<float> folded_;  // [10, O]: weights, then what is added
};

class BoundInferenceStemBlock final : public BoundLayer {
 public:
  explicit BoundInferenceStemBlock(const InferenceStemBlock& layer)
      : layer_(layer), image_(layer.image_floats()) {}

  void forward(const void* src, void* dst, LayerPass&) override {
    const StemBlockPlan& plan = layer_.plan_;
    with_element(layer_.src_desc(), [&]<typename T>() {
      for (Index n = 0; n < plan.convolution.S; ++n) {
        kernels<StemKernels<T>>().pad(plan.convolution,
                                      static_cast<const T*>(src) + n * plan.convolution.src.size(),
                                      image_.data());
        kernels<StemBlockKernels<T>>().infer(plan, image_.data(), layer_.folded_.data(),
                                             static_cast<T*>(dst) + n * plan.dst.size());
      }
    });
  }
  void backward(const void*, void*, LayerPass&) override {}

 private:
  const InferenceStemBlock& layer_;
  Buffer<float> image_;  // what is never written stays 0
};

std::unique_ptr<BoundLayer> InferenceStemBlock::bind() const {
  return std::make_unique<BoundInferenceStemBlock>(*this);
}

}  // namespace

bool is_stem_block(std::span<const FusedSpec> pieces, const Source& src, const Compiler& compiler) {
  if (pieces.size() < 2 || pieces[0].layer->kind != "convolution") return false;
  const bool training = compiler.training();
  const Activation activation = pieces[training ? 1 : 0].activation();
  if (activation && activation.kind != ActivationKind::relu) return false;
  const auto settings = settings_of<ConvolutionSettings>(*pieces[0].layer);
  const bool pools =
      training ? pieces[1].pool != nullptr && !settings.bias : is_2x2_max_pool(*pieces[1].layer);
  return pools && is_stem(pieces[0], src, settings, compiler) && src.shape.channels == 1 &&
         settings.kernel == 3 && settings.stride == 1;
}

std::unique_ptr<Layer> make_stem_block(std::span<const FusedSpec> pieces, const Source& src,
                                       Compiler& compiler) {
  const auto settings = settings_of<ConvolutionSettings>(*pieces[0].layer);
  if (compiler.training()) {
    return std::make_unique<TrainingStemBlock>(pieces[0], pieces[1], src, settings, compiler);
  }
  return std::make_unique<InferenceStemBlock>(pieces[0], pieces[1], src, settings, compiler);
}

}  // namespace kindred
