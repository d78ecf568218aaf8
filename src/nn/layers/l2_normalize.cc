#include "nn/channels/feature_kernels.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/onednn/tensor.h"

namespace kindred {
namespace {

/// dst = src / ‖src‖ for each sample: a network's embeddings as unit vectors. A vector of zeros, or
/// one shorter than 1e-12, has no direction: it becomes zeros and lets no gradient through.
class L2Normalize final : public Layer {
 public:
  L2Normalize(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        plan_{compiler.slice(), src.shape.channels, elements_of(src.desc) / compiler.slice()},
        training_(compiler.training()) {
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
  }
  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return !training_; }
  double flops() const override { return 3.0 * static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundL2Normalize;
  FeaturePlan plan_;
  bool training_;
};

template <typename T>
class BoundL2Normalize final : public BoundLayer {
 public:
  explicit BoundL2Normalize(const L2Normalize& layer) : layer_(layer), inverses_(layer.plan_.S) {}

  void forward(const void* src, void* dst, LayerPass&) override {
    x_ = static_cast<const T*>(src);
    kernels_.to_unit(layer_.plan_, x_, inverses_.data(), static_cast<T*>(dst));
  }
  void backward(const void* diff_dst, void* diff_src, LayerPass&) override {
    if (diff_src == nullptr) return;
    kernels_.to_unit_backward(layer_.plan_, x_, inverses_.data(), static_cast<const T*>(diff_dst),
                              static_cast<T*>(diff_src));
  }

 private:
  const L2Normalize& layer_;
  const FeatureKernels<T>& kernels_ = kernels<FeatureKernels<T>>();
  const T* x_ = nullptr;
  Buffer<float> inverses_;
};

std::unique_ptr<BoundLayer> L2Normalize::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundL2Normalize<T>>(*this);
  });
}

Shape l2_normalize_dst(const LayerSpec& spec, const Shape& src) {
  if (src.height != 1 || src.width != 1) {
    misfit(spec, src, "it takes vectors; put a flatten, a pool or a linear layer before it");
  }
  return src;
}

}  // namespace

extern const LayerKind kL2Normalize;
const LayerKind kL2Normalize{
    "l2_normalize", "scales each sample's vector to length 1; zeros stay zeros",
    read_settings<NoSettings>, l2_normalize_dst,
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<L2Normalize>(spec, src, compiler);
    }};

}  // namespace kindred
