#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"

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

template <typename T>
class BoundRelu final : public BoundLayer {
 public:
  explicit BoundRelu(const Relu& layer) : size_(elements_of(layer.src_desc())) {}

  void forward(const void* src, void* dst, Run&) override {
    const auto* x = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    kernels<ElementwiseKernels<T>>().relu(x, size_, y);
    dst_ = y;
  }

  void backward(const void* diff_dst, void* diff_src, Run&) override {
    if (diff_src == nullptr) return;
    kernels<ElementwiseKernels<T>>().relu_backward(static_cast<const T*>(diff_dst), dst_, size_,
                                                   static_cast<T*>(diff_src));
  }

 private:
  Index size_;
  const T* dst_ = nullptr;
};

std::unique_ptr<BoundLayer> Relu::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundRelu<T>>(*this);
  });
}

}  // namespace

extern const LayerKind kRelu;
const LayerKind kRelu{
    "relu", "max(x, 0)", read_settings<NoSettings>,
    [](const LayerSpec&, const Shape& src) { return src; },
    [](const FusedSpec& spec, const Source& src, Compiler&) -> std::unique_ptr<Layer> {
      return std::make_unique<Relu>(spec, src);
    }};

}  // namespace kindred
