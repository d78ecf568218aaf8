#include <algorithm>

#include "kindred/core/recipe.h"
#include "nn/channels/gate_kernels.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/layers/sequence.h"

namespace kindred {
namespace {

struct SqueezeExciteSettings {
  Index channels = 16;
  bool hard = false;

  template <typename Reader>
  void read(Reader& reader) {
    reader("channels", channels, "between the two linear layers", Range{1, 65536});
    reader("hard", hard, "gates are relu6(x + 3) / 6 in place of 1 / (1 + exp(-x))");
  }
};

/// dst = src * gate, with a gate in [0, 1] for each channel that follows from the means of all:
///   gate = sigmoid(excite(relu(squeeze(means))))
/// squeeze and excite are linear layers, "NAME.squeeze" and "NAME.excite"; e is what the second
/// gives.
/// Source: Hu et al. 2018, "Squeeze-and-excitation networks"; hard gates: Howard et al. 2019,
/// "Searching for MobileNetV3".
class SqueezeExcite final : public Layer {
 public:
  SqueezeExcite(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()), training_(compiler.training()) {
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
    const auto settings = settings_of<SqueezeExciteSettings>(*spec.layer);
    const FormatTag layout = layout_of(src.desc);
    const Shape vector{src.shape.channels, 1, 1};
    plan_ = {channel_layout(compiler.slice(), src.shape, layout), settings.hard};
    const auto linear = [&](const char* part, Index features) {
      return LayerSpec{
          "linear", name() + part, {{"features", static_cast<double>(features)}}, {}, {}};
    };
    const std::vector<LayerSpec> layers{linear(".squeeze", settings.channels),
                                        LayerSpec{"relu", name() + ".relu", {}, {}, {}},
                                        linear(".excite", src.shape.channels)};
    auto pieces = fuse(layers, training_ ? NetworkMode::training : NetworkMode::inference);
    pieces.back().to_float32 = true;
    const Source means{vector, tensor(compiler.slice(), vector, layout, type_of(src.desc)),
                       src.wants_diff};
    e_ = std::make_unique<Sequence>(name() + ".gate", means, compiler);
    e_->append(pieces, compiler);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return !training_; }
  bool trainable() const override { return true; }
  Index scratch_bytes() const override {
    return e_->scratch_bytes() + ScratchFrame::cost(gate_bytes()) +
           ScratchFrame::cost(bytes_of(e_->dst_desc())) +
           ScratchFrame::cost(bytes_of(e_->src_desc()));
  }
  double flops() const override {
    return e_->flops() + 2.0 * static_cast<double>(src_shape().size());
  }
  std::vector<Layer*> children() const override { return e_->children(); }

 private:
  template <typename T>
  friend class BoundSqueezeExcite;

  Index gate_bytes() const { return plan_.x.S * plan_.x.C * static_cast<Index>(sizeof(float)); }

  bool training_;
  GatePlan plan_;
  std::unique_ptr<Sequence> e_;  // of the means
};

template <typename T>
class BoundSqueezeExcite final : public BoundLayer {
 public:
  explicit BoundSqueezeExcite(const SqueezeExcite& layer)
      : layer_(layer),
        e_of_means_(layer.e_->bind()),
        means_(elements_of(layer.e_->src_desc())),
        e_(elements_of(layer.e_->dst_desc())),
        gates_(layer.plan_.x.S * layer.plan_.x.C) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    const GatePlan& plan = layer_.plan_;
    x_ = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    share(run, Work::forward, [&](Index n) {
      kernels_.means(plan, x_ + n * plan.x.sample_stride, &means_[n * plan.x.C]);
    });
    e_of_means_->forward(means_.data(), e_.data(), run);
    share(run, Work::forward, [&](Index n) {
      const Index at = n * plan.x.sample_stride;
      float* gates = &gates_[n * plan.x.C];
      kernels_.gates(plan, &e_[n * channels()], channels(), gates);
      kernels_.forward(plan, x_ + at, gates, y + at);
    });
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    const GatePlan& plan = layer_.plan_;
    const auto* dy = static_cast<const T*>(diff_dst);
    auto* dx = static_cast<T*>(diff_src);
    ScratchFrame frame(run.scratch);
    auto* dgates = static_cast<float*>(frame.take(layer_.gate_bytes()));
    auto* de = static_cast<float*>(frame.take(bytes_of(layer_.e_->dst_desc())));
    auto* dmeans = static_cast<T*>(frame.take(bytes_of(layer_.e_->src_desc())));
    share(run, Work::backward_data, [&](Index n) {
      const Index at = n * plan.x.sample_stride;
      float* of = dgates + n * plan.x.C;
      kernels_.backward_gates(plan, x_ + at, dy + at, of);
      kernels_.backward_e(plan, &gates_[n * plan.x.C], of, channels(), de + n * channels());
    });
    e_of_means_->backward(de, dx == nullptr ? nullptr : dmeans, run);
    if (dx == nullptr) return;
    share(run, Work::backward_data, [&](Index n) {
      const Index at = n * plan.x.sample_stride;
      kernels_.backward(plan, dy + at, &gates_[n * plan.x.C], dmeans + n * plan.x.C, dx + at);
    });
  }

 private:
  Index channels() const { return layer_.src_shape().channels; }

  /// body(sample)
  template <typename F>
  void share(const LayerPass& run, Work work, F&& body) const {
    run.share(layer_, work, layer_.plan_.x.S, [&](Index n, ScratchStack&) { body(n); });
  }

  const SqueezeExcite& layer_;
  const GateKernels<T>& kernels_ = kernels<GateKernels<T>>();
  std::unique_ptr<BoundLayer> e_of_means_;
  const T* x_ = nullptr;
  Buffer<T> means_;      // [S, plan.x.C]
  Buffer<float> e_;      // [S, channels]
  Buffer<float> gates_;  // [S, plan.x.C], zeros in padding channels
};

std::unique_ptr<BoundLayer> SqueezeExcite::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundSqueezeExcite<T>>(*this);
  });
}

}  // namespace

extern const LayerKind kSqueezeExcite;
const LayerKind kSqueezeExcite{
    "squeeze_excite",
    "scales each channel by a gate that the means of all channels decide",
    read_settings<SqueezeExciteSettings>,
    [](const LayerSpec&, const Shape& src) { return src; },
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<SqueezeExcite>(spec, src, compiler);
    },
    [](const LayerSpec& spec, const Shape& src) {
      const auto channels = static_cast<double>(src.channels);
      const auto between = static_cast<double>(settings_of<SqueezeExciteSettings>(spec).channels);
      const double weights = 2 * channels * between;
      return LayerCost{weights + between + channels, weights};
    }};

}  // namespace kindred
