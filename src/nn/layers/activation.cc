#include "nn/contract/fuse.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"

namespace kindred {
namespace {

/// dst = f(src), where no layer before it does that already.
class ActivationLayer final : public Layer {
 public:
  ActivationLayer(const FusedSpec& spec, const Source& src)
      : Layer(spec.name(), spec.kind()), activation_(activation_of(*spec.layer)) {
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
  }
  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return true; }
  bool keeps_dst() const override { return true; }
  double flops() const override { return static_cast<double>(src_shape().size()); }
  Activation activation() const { return activation_; }

 private:
  Activation activation_;
};

template <typename T>
class BoundActivation final : public BoundLayer {
 public:
  explicit BoundActivation(const ActivationLayer& layer)
      : size_(elements_of(layer.src_desc())), activation_(layer.activation()) {}

  void forward(const void* src, void* dst, LayerPass&) override {
    const auto* x = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    kernels<ElementwiseKernels<T>>().activate(activation_, x, size_, y);
    dst_ = y;
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass&) override {
    if (diff_src == nullptr) return;
    kernels<ElementwiseKernels<T>>().activate_backward(activation_, static_cast<const T*>(diff_dst),
                                                       dst_, size_, static_cast<T*>(diff_src));
  }

 private:
  Index size_;
  Activation activation_;
  const T* dst_ = nullptr;
};

std::unique_ptr<BoundLayer> ActivationLayer::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundActivation<T>>(*this);
  });
}

}  // namespace

extern const LayerKind kRelu;
const LayerKind kRelu{
    "relu", "max(x, 0); NaN stays NaN", read_settings<NoSettings>,
    [](const LayerSpec&, const Shape& src) { return src; },
    [](const FusedSpec& spec, const Source& src, Compiler&) -> std::unique_ptr<Layer> {
      return std::make_unique<ActivationLayer>(spec, src);
    }};

}  // namespace kindred
