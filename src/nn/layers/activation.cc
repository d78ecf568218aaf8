#include "nn/contract/fuse.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"
#include "nn/layers/activation_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

/// dst = f(src), where no layer before it does that already. Backward reads dst, or src where f'
/// does not follow from it.
class ActivationLayer final : public Layer {
 public:
  ActivationLayer(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        numbers_(spec.layer, src.shape.channels, compiler),
        pass_(numbers_.activation(), compiler.slice(), src.shape, src.desc),
        is_clip_(kindred::is_clip(numbers_.activation().kind)),
        training_(compiler.training()) {
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
    if (!numbers_.has_slopes()) return;
    if (training_) gradient_ = compiler.claim_gradient(numbers_.gradient_floats());
    compiler.add_leaf(*this);
  }
  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return is_clip_ || !training_; }
  bool keeps_dst() const override { return is_clip_; }
  bool trainable() const override { return numbers_.has_slopes(); }
  Index scratch_bytes() const override {
    return ScratchFrame::cost(numbers_.gradient_floats() * static_cast<Index>(sizeof(float)));
  }
  void pack(std::span<const float> parameters) override { numbers_.pack(parameters); }
  void unpack_gradient(const float* row, std::span<float> gradient) override {
    numbers_.unpack_gradient(row + gradient_, gradient);
  }
  double flops() const override { return static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundActivation;

  ActivationNumbers numbers_;
  ActivationPass pass_;
  bool is_clip_;
  bool training_;
  Index gradient_ = 0;
};

template <typename T>
class BoundActivation final : public BoundLayer {
 public:
  explicit BoundActivation(const ActivationLayer& layer) : layer_(layer) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    const auto* x = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    layer_.pass_.run(layer_, x, y, run);
    kept_ = layer_.is_clip_ ? y : x;
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const auto* dy = static_cast<const T*>(diff_dst);
    auto* dx = static_cast<T*>(diff_src);
    const Activation activation = layer_.numbers_.activation();
    if (layer_.numbers_.has_slopes()) return backward_prelu(activation, dy, dx, run);
    if (dx == nullptr) return;
    kernels<ElementwiseKernels<T>>().activate_backward(activation, dy, kept_, layer_.pass_.size(),
                                                       dx);
  }

 private:
  void backward_prelu(const Activation& activation, const T* dy, T* dx, LayerPass& run) {
    const PreluKernels<T>& loops = kernels<PreluKernels<T>>();
    const PreluPlan& plan = layer_.pass_.prelu();
    write_gradient(
        run.gradient + layer_.gradient_, layer_.numbers_.gradient_floats(),
        run.accumulate == Accumulate::yes, run.scratch, [&](float* dslopes) {
          run.share(layer_, Work::backward_data, loops.parts(plan), [&](Index part, ScratchStack&) {
            loops.backward(plan, part, kept_, activation.slopes, dy, dslopes, dx);
          });
        });
  }

  const ActivationLayer& layer_;
  const T* kept_ = nullptr;
};

std::unique_ptr<BoundLayer> ActivationLayer::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundActivation<T>>(*this);
  });
}

template <typename Settings = NoSettings>
constexpr LayerKind activation_kind(const char* name, const char* summary) {
  return {
      name,
      summary,
      read_settings<Settings>,
      [](const LayerSpec&, const Shape& src) { return src; },
      [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
        return std::make_unique<ActivationLayer>(spec, src, compiler);
      },
      [](const LayerSpec& spec, const Shape& src) {
        const bool slopes = activation_of(spec).kind == ActivationKind::prelu;
        return LayerCost{.parameters = slopes ? static_cast<double>(src.channels) : 0};
      }};
}

}  // namespace

extern const LayerKind kRelu;
const LayerKind kRelu = activation_kind("relu", "max(x, 0); NaN stays NaN");

extern const LayerKind kRelu6;
const LayerKind kRelu6 = activation_kind("relu6", "min(max(x, 0), 6); NaN stays NaN");

extern const LayerKind kPrelu;
const LayerKind kPrelu = activation_kind<PreluSettings>(
    "prelu", "x above 0, slope * x below, with a trained slope for each channel");

extern const LayerKind kHardSwish;
const LayerKind kHardSwish = activation_kind("hard_swish", "x relu6(x + 3) / 6");

extern const LayerKind kSwish;
const LayerKind kSwish = activation_kind("swish", "x / (1 + exp(-x)), also called SiLU");

}  // namespace kindred
