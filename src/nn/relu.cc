#include "nn/registry.h"
#include "nn/settings.h"

namespace kindred {
namespace {

/// dst = max(src, 0), where no layer before it does that already. NaN stays NaN.
class Relu final : public Layer {
 public:
  Relu(const FusedSpec& spec, const Source& src) : Layer(spec.name(), spec.kind()) {
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
  }
  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return true; }
  bool keeps_dst() const override { return true; }
  double flops() const override { return static_cast<double>(src_shape().size()); }
};

class BoundRelu final : public BoundLayer {
 public:
  explicit BoundRelu(const Relu& layer) : size_(floats_of(layer.src_desc())) {}

  void forward(const void* src, void* dst, Run&) override {
    const auto* x = static_cast<const float*>(src);
    auto* y = static_cast<float*>(dst);
    for (Index i = 0; i < size_; ++i) y[i] = x[i] < 0.0F ? 0.0F : x[i];
    dst_ = y;
  }

  void backward(const void* diff_dst, void* diff_src, Run&) override {
    if (diff_src == nullptr) return;
    const auto* dy = static_cast<const float*>(diff_dst);
    auto* dx = static_cast<float*>(diff_src);
    for (Index i = 0; i < size_; ++i) dx[i] = dst_[i] <= 0.0F ? 0.0F : dy[i];
  }

 private:
  Index size_;
  const float* dst_ = nullptr;
};

std::unique_ptr<BoundLayer> Relu::bind() const { return std::make_unique<BoundRelu>(*this); }

}  // namespace

extern const LayerKind kRelu;
const LayerKind kRelu{
    "relu", "max(x, 0)", read_settings<NoSettings>,
    [](const LayerSpec&, const Shape& src) { return src; },
    [](const FusedSpec& spec, const Source& src, Compiler&) -> std::unique_ptr<Layer> {
      return std::make_unique<Relu>(spec, src);
    }};

}  // namespace kindred
