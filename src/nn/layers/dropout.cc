#include <cstdint>

#include "kindred/core/random.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/elementwise_kernels.h"

namespace kindred {
namespace {

struct DropoutSettings {
  double rate = 0.5;

  template <typename Reader>
  void read(Reader& reader) {
    reader("rate", rate, "probability that a number is dropped", Range{0, 0.99});
  }
};

/// Sets each number to 0 with probability `rate` and divides the others by 1 - rate. What is
/// dropped depends on (seed, step, layer, the sample's row in the batch) alone, never on slice or
/// thread. Source: Srivastava et al. 2014, in the "inverted" form: inference leaves it out.
class Dropout final : public Layer {
 public:
  Dropout(const FusedSpec& spec, const Source& src, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        rate_(settings_of<DropoutSettings>(*spec.layer).rate),
        number_(compiler.claim_dropout()),
        S_(compiler.slice()) {
    set_src(src.shape, src.desc);
    set_dst(src.shape, src.desc);
  }
  std::unique_ptr<BoundLayer> bind() const override;
  bool in_place() const override { return true; }
  double flops() const override { return static_cast<double>(src_shape().size()); }

 private:
  template <typename T>
  friend class BoundDropout;
  double rate_;
  Index number_;  // of this among the network's dropouts
  Index S_;
};

template <typename T>
class BoundDropout final : public BoundLayer {
 public:
  explicit BoundDropout(const Dropout& layer)
      : layer_(layer), per_sample_(elements_of(layer.src_desc()) / layer.S_) {
    kept_ = Buffer<std::uint8_t>(layer.S_ * per_sample_);
  }

  void forward(const void* src, void* dst, LayerPass& run) override {
    draw(run.pass);
    apply(static_cast<const T*>(src), static_cast<T*>(dst));
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass&) override {
    if (diff_src == nullptr) return;
    apply(static_cast<const T*>(diff_dst), static_cast<T*>(diff_src));
  }

 private:
  void draw(const Pass& pass) {
    const auto threshold = static_cast<std::uint32_t>(layer_.rate_ * 0x1p32);
    for (Index n = 0; n < layer_.S_; ++n) {
      const auto row = static_cast<std::uint64_t>(pass.first_sample + n);
      const auto layer = static_cast<std::uint64_t>(layer_.number_);
      Random random(pass.seed, Purpose::dropout, static_cast<std::uint64_t>(pass.step),
                    layer << 32 | row);
      std::uint8_t* kept = &kept_[n * per_sample_];
      for (Index i = 0; i < per_sample_; ++i) kept[i] = random.next() >= threshold ? 1 : 0;
    }
  }

  void apply(const T* from, T* to) const {
    const auto factor = static_cast<float>(1.0 / (1.0 - layer_.rate_));
    kernels<ElementwiseKernels<T>>().drop(from, kept_.data(), factor, layer_.S_ * per_sample_, to);
  }

  const Dropout& layer_;
  Index per_sample_;
  Buffer<std::uint8_t> kept_;
};

std::unique_ptr<BoundLayer> Dropout::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundDropout<T>>(*this);
  });
}

}  // namespace

extern const LayerKind kDropout;
const LayerKind kDropout{
    "dropout", "drops numbers at random while training", read_settings<DropoutSettings>,
    [](const LayerSpec&, const Shape& src) { return src; },
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      return std::make_unique<Dropout>(spec, src, compiler);
    }};

}  // namespace kindred
