#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "nn/channels/pool_kernels.h"
#include "nn/contract/pool_settings.h"
#include "nn/contract/registry.h"
#include "nn/contract/settings.h"

// Own loops: oneDNN 2.6.3's jit pooling stores its indices with masked byte stores, which some CPUs
// take hundreds of cycles for (Sapphire Rapids, 64 channels of 28x28: 880 us against 70 us on
// Zen 4).

namespace kindred {
namespace {

enum class Pooling { largest, average };

/// dst = the largest, or the mean, of each window.
class Pool final : public Layer {
 public:
  Pool(const FusedSpec& spec, const Source& src, const PoolSettings& settings, const Shape& dst,
       Pooling pooling, Compiler& compiler)
      : Layer(spec.name(), spec.kind()), training_(compiler.training()) {
    set_src(src.shape, src.desc);
    const Index S = compiler.slice();
    const FormatTag layout = layout_of(src.desc);
    set_dst(dst, tensor(S, dst, layout, type_of(src.desc)));
    plan_ = {channel_layout(S, src.shape, layout),
             channel_layout(S, dst, layout),
             settings.kernel,
             settings.stride,
             settings.padding,
             pooling == Pooling::largest};
  }
  std::unique_ptr<BoundLayer> bind() const override;
  Index scratch_bytes() const override {
    return ScratchFrame::cost(plan_.src.sample_stride * static_cast<Index>(sizeof(float)));
  }
  double flops() const override {
    return static_cast<double>(dst_shape().size() * plan_.kernel * plan_.kernel);
  }

 private:
  template <typename T>
  friend class BoundPool;

  PoolPlan plan_;
  bool training_;
};

template <typename T>
class BoundPool final : public BoundLayer {
 public:
  explicit BoundPool(const Pool& layer) : layer_(layer) {
    if (layer.training_ && layer.plan_.largest) {
      winners_ = Buffer<std::uint8_t>(elements_of(layer.dst_desc()));
    }
  }

  void forward(const void* src, void* dst, LayerPass&) override {
    kernels_.forward(layer_.plan_, static_cast<const T*>(src), static_cast<T*>(dst),
                     winners_.data());
  }

  void backward(const void* diff_dst, void* diff_src, LayerPass& run) override {
    if (diff_src == nullptr) return;
    ScratchFrame frame(run.scratch);
    auto* sums = static_cast<float*>(frame.take(layer_.scratch_bytes()));
    kernels_.backward(layer_.plan_, static_cast<const T*>(diff_dst), winners_.data(), sums,
                      static_cast<T*>(diff_src));
  }

 private:
  const Pool& layer_;
  const PoolKernels<T>& kernels_ = kernels<PoolKernels<T>>();
  Buffer<std::uint8_t> winners_;  // number within the window of the pixel that won
};

std::unique_ptr<BoundLayer> Pool::bind() const {
  return with_element(src_desc(), [&]<typename T>() -> std::unique_ptr<BoundLayer> {
    return std::make_unique<BoundPool<T>>(*this);
  });
}

Shape pool_dst(const LayerSpec& spec, const Shape& src) {
  const auto settings = settings_of<PoolSettings>(spec);
  if (2 * settings.padding > settings.kernel) {
    misfit(spec, src,
           fmt::format("padding {} must be at most half of the kernel, {}", settings.padding,
                       settings.kernel));
  }
  if (std::min(src.height, src.width) + 2 * settings.padding < settings.kernel) {
    misfit(spec, src,
           fmt::format("a window of {0} x {0} does not fit; leave this pool out, or use larger "
                       "images",
                       settings.kernel));
  }
  return settings.dst(src);
}

template <Pooling pooling>
std::unique_ptr<Layer> make_pool(const FusedSpec& spec, const Source& src, Compiler& compiler) {
  const auto settings = settings_of<PoolSettings>(*spec.layer);
  return std::make_unique<Pool>(spec, src, settings, settings.dst(src.shape), pooling, compiler);
}

}  // namespace

extern const LayerKind kMaxPool;
const LayerKind kMaxPool{"max_pool", "the largest number of each window",
                         read_settings<PoolSettings>, pool_dst, make_pool<Pooling::largest>};

extern const LayerKind kAveragePool;
const LayerKind kAveragePool{"average_pool", "the mean of each window", read_settings<PoolSettings>,
                             pool_dst, make_pool<Pooling::average>};

extern const LayerKind kGlobalAveragePool;
const LayerKind kGlobalAveragePool{
    "global_average_pool", "the mean of each channel over the image", read_settings<NoSettings>,
    [](const LayerSpec&, const Shape& src) {
      return Shape{src.channels, 1, 1};
    },
    [](const FusedSpec& spec, const Source& src, Compiler& compiler) -> std::unique_ptr<Layer> {
      const PoolSettings whole{std::max(src.shape.height, src.shape.width), 1, 0};
      return std::make_unique<Pool>(spec, src, whole, Shape{src.shape.channels, 1, 1},
                                    Pooling::average, compiler);
    }};

}  // namespace kindred
