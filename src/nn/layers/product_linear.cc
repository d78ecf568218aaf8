#include <algorithm>

#include "core/matmul_tile.h"
#include "nn/contract/settings.h"
#include "nn/layers/linear.h"
#include "nn/layers/weight_numbers.h"
#include "nn/onednn/packed.h"

namespace kindred {
namespace {

constexpr double kLeastPart = 4 << 20;  // multiply-adds that are worth another worker

/// dst = f(src weightsᵀ + bias).   src [S, F], weights [features, F], dst [S, features].
/// F runs over an image as it lies in memory, zeros of its padding included: the weights are
/// packed to match.
class ProductLinear final : public Layer {
 public:
  ProductLinear(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        rows_(compiler.slice()),
        depth_(elements_of(src.desc) / compiler.slice()) {
    const auto settings = settings_of<LinearSettings>(*spec.layer);
    features_ = settings.features;
    const Index F = src.shape.size();
    numbers_.claim(spec, {features_, F}, F, settings.bias, compiler);
    flops_ = 2.0 * static_cast<double>(F * features_);
    set_src(src.shape, src.desc);
    const Shape dst{features_, 1, 1};
    set_dst(dst, tensor(rows_, dst, FormatTag::nhwc, kFloat32));
    const Shape& as = src.shape;
    const auto laid_out = [&](FormatTag tag) { return tensor(features_, as, tag, kFloat32); };
    laid_out_ = std::make_unique<PackedWeights>(compiler.engine(), laid_out(FormatTag::nchw),
                                                laid_out(layout_of(src.desc)),
                                                spec.kind() + " '" + spec.name() + "' weights");
    packed_ = Buffer<float>(tile_.right().padded(features_) * depth_);
    behind_ = ActivationPass(numbers_.activation(), rows_, dst, dst_desc());
    compiler.add_leaf(*this);
  }

  std::unique_ptr<BoundLayer> bind() const override;
  bool trainable() const override { return true; }
  Index scratch_bytes() const override { return ScratchFrame::cost(src_bytes()); }
  void pack(std::span<const float> parameters) override {
    laid_out_->pack(numbers_.prepare(parameters));
    const auto* weights = static_cast<const float*>(laid_out_->data());
    tile_.pack_right({weights, features_, depth_, depth_, 1}, 0, tile_.right().count(features_),
                     packed_.data());
  }
  bool multiplies() const override { return true; }
  double flops() const override { return flops_; }
  std::string implementation() const override { return "own product"; }

 private:
  friend class BoundProductLinear;

  Index src_bytes() const {
    return tile_.left().padded(rows_) * depth_ * static_cast<Index>(sizeof(float));
  }

  const TileKernels<float>& tile_ = kernels<TileKernels<float>>();
  Index rows_;
  Index depth_;
  Index features_ = 0;
  double flops_ = 0;
  WeightNumbers numbers_;
  std::unique_ptr<PackedWeights> laid_out_;  // as src lies
  Buffer<float> packed_;                     // as the product reads them
  ActivationPass behind_;
};

class BoundProductLinear final : public BoundLayer {
 public:
  explicit BoundProductLinear(const ProductLinear& layer) : layer_(layer) {}

  void forward(const void* src, void* dst, LayerPass& run) override {
    const TileKernels<float>& tile = layer_.tile_;
    const Index S = layer_.rows_;
    const Index F = layer_.depth_;
    ScratchFrame frame(run.scratch);
    auto* rows = static_cast<float*>(frame.take(layer_.src_bytes()));
    tile.pack_left({static_cast<const float*>(src), S, F, F, 1}, 0, tile.left().count(S), rows);
    auto* to = static_cast<float*>(dst);
    const Index panels = tile.right().count(layer_.features_);
    const double operations = static_cast<double>(S * F * layer_.features_);
    const Index parts = std::clamp(static_cast<Index>(operations / kLeastPart), Index{1}, panels);
    run.share(layer_, Work::forward, parts, [&](Index part, ScratchStack&) {
      const Index begin = part * panels / parts * tile.cols;
      const Index end = std::min((part + 1) * panels / parts * tile.cols, layer_.features_);
      multiply(rows, begin, end - begin, to + begin);
    });
    layer_.behind_.run(layer_, dst, run);
  }
  void backward(const void*, void*, LayerPass&) override {}  // there is none in inference

 private:
  /// Columns [begin, begin + count) of dst.
  void multiply(const float* rows, Index begin, Index count, float* dst) const {
    const Index stride = layer_.features_;
    const float* bias = layer_.numbers_.bias();
    for (Index i = 0; bias != nullptr && i < layer_.rows_; ++i) {
      std::copy_n(bias + begin, count, dst + i * stride);
    }
    layer_.tile_.multiply_block({rows, layer_.rows_}, 0, layer_.rows_,
                                {layer_.packed_.data(), layer_.features_}, begin, count,
                                layer_.depth_, dst, stride, bias != nullptr);
  }

  const ProductLinear& layer_;
};

std::unique_ptr<BoundLayer> ProductLinear::bind() const {
  return std::make_unique<BoundProductLinear>(*this);
}

}  // namespace

bool is_product_linear(const FusedSpec& spec, const Source& src, const Compiler& compiler) {
  return spec.layer->kind == "linear" && !compiler.training() && type_of(src.desc) == kFloat32;
}

std::unique_ptr<Layer> make_product_linear(const FusedSpec& spec, const Source& src,
                                           Compiler& compiler) {
  return std::make_unique<ProductLinear>(spec, src, compiler);
}

}  // namespace kindred
