#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "nn/contract/registry.h"
#include "nn/contract/settings.h"
#include "nn/kernels/vector.h"

// Own loops: oneDNN 2.6.3's jit pooling stores its indices with masked byte stores, which some CPUs
// take hundreds of cycles for (Sapphire Rapids, 64 channels of 28x28: 880 us against 70 us on
// Zen 4).

namespace kindred {
namespace {

enum class Pooling { largest, average };

struct PoolSettings {
  Index kernel = 2;
  Index stride = 2;
  Index padding = 0;

  template <typename Reader>
  void read(Reader& reader) {
    reader("kernel", kernel, "height and width of a window, pixels", Range{1, 15});
    reader("stride", stride, "pixels between windows", Range{1, 64});
    reader("padding", padding, "pixels at each edge that windows may reach over, never counted",
           Range{0, 7});
  }

  Shape dst(const Shape& src) const {
    const auto extent = [this](Index n) { return (n + 2 * padding - kernel) / stride + 1; };
    return {src.channels, extent(src.height), extent(src.width)};
  }
};

/// The pixels of one window that lie inside the image.
struct Window {
  Index top, bottom, left, right;  // [top, bottom) x [left, right)
  Index count() const { return (bottom - top) * (right - left); }
};

/// dst = the largest, or the mean, of each window.
class Pool final : public Layer {
 public:
  Pool(const FusedSpec& spec, const Source& src, const PoolSettings& settings, const Shape& dst,
       Pooling pooling, Compiler& compiler)
      : Layer(spec.name(), spec.kind()),
        settings_(settings),
        pooling_(pooling),
        training_(compiler.training()) {
    set_src(src.shape, src.desc);
    const Index S = compiler.slice();
    const FormatTag layout = layout_of(src.desc);
    set_dst(dst, tensor(S, dst, layout, type_of(src.desc)));
    src_layout_ = channel_layout(S, src.shape, layout);
    dst_layout_ = channel_layout(S, dst, layout);
  }
  std::unique_ptr<BoundLayer> bind() const override;
  Index scratch_bytes() const override {
    return ScratchFrame::cost(src_layout_.sample_stride * static_cast<Index>(sizeof(float)));
  }
  double flops() const override {
    return static_cast<double>(dst_shape().size() * settings_.kernel * settings_.kernel);
  }

 private:
  template <typename T>
  friend class BoundPool;

  bool is_largest_of_2x2() const {
    return pooling_ == Pooling::largest && settings_.kernel == 2 && settings_.stride == 2 &&
           settings_.padding == 0;
  }
  Window window(Index oh, Index ow) const {
    const auto low = [](Index at) { return std::max<Index>(at, 0); };
    const Index top = oh * settings_.stride - settings_.padding;
    const Index left = ow * settings_.stride - settings_.padding;
    return {low(top), std::min(top + settings_.kernel, src_layout_.H), low(left),
            std::min(left + settings_.kernel, src_layout_.W)};
  }

  PoolSettings settings_;
  Pooling pooling_;
  bool training_;
  ChannelLayout src_layout_;
  ChannelLayout dst_layout_;
};

template <typename T>
class BoundPool final : public BoundLayer {
 public:
  explicit BoundPool(const Pool& layer) : layer_(layer) {
    if (layer.training_ && layer.pooling_ == Pooling::largest) {
      winners_ = Buffer<std::uint8_t>(elements_of(layer.dst_desc()));
    }
  }

  void forward(const void* src, void* dst, Run&) override {
    const auto* x = static_cast<const T*>(src);
    auto* y = static_cast<T*>(dst);
    for (Index n = 0; n < layer_.src_layout_.S; ++n) {
      const T* sample = x + n * layer_.src_layout_.sample_stride;
      if (layer_.is_largest_of_2x2() && winners_.size() == 0) {
        largest_of_2x2(sample, y + n * layer_.dst_layout_.sample_stride);
        continue;
      }
      for_windows(n, [&]<int L>(Index from, Index to, const Window& window) {
        if (layer_.pooling_ == Pooling::largest) {
          largest<L>(sample + from, window, y + to,
                     winners_.data() == nullptr ? nullptr : &winners_[to]);
        } else {
          average<L>(sample + from, window, y + to);
        }
      });
    }
  }

  void backward(const void* diff_dst, void* diff_src, Run& run) override {
    if (diff_src == nullptr) return;
    const auto* dy = static_cast<const T*>(diff_dst);
    auto* dx = static_cast<T*>(diff_src);
    const Index size = layer_.src_layout_.sample_stride;
    ScratchFrame frame(run.scratch);
    // Windows may overlap: their shares are added up in float and rounded once.
    auto* sums = static_cast<float*>(frame.take(layer_.scratch_bytes()));
    for (Index n = 0; n < layer_.src_layout_.S; ++n) {
      std::fill_n(sums, size, 0.0F);
      backward_sample(n, dy, sums);
      for_vectors(size, [&]<int L>(Index i) {
        Vector<L>::store(dx + n * size + i, Vector<L>::load(sums + i));
      });
    }
  }

 private:
  void backward_sample(Index n, const T* dy, float* sums) const {
    for_windows(n, [&]<int L>(Index from, Index to, const Window& window) {
      if (layer_.pooling_ == Pooling::largest) {
        largest_backward<L>(dy + to, &winners_[to], window, sums + from);
      } else {
        average_backward<L>(dy + to, window, sums + from);
      }
    });
  }

  /// body.operator()<L>(start of the group in a sample of src, place of the pixel in dst, window)
  template <typename F>
  void for_windows(Index n, F&& body) const {
    const ChannelLayout& src = layer_.src_layout_;
    const ChannelLayout& dst = layer_.dst_layout_;
    for (std::size_t g = 0; g < src.groups.size(); ++g) {
      const Index from = src.groups[g].offset;
      const Index to = n * dst.sample_stride + dst.groups[g].offset;
      with_lanes(src.groups[g].lanes, [&]<int L>() {
        for (Index oh = 0; oh < dst.H; ++oh) {
          for (Index ow = 0; ow < dst.W; ++ow) {
            body.template operator()<L>(from, to + (oh * dst.W + ow) * dst.pixel_stride,
                                        layer_.window(oh, ow));
          }
        }
      });
    }
  }

  /// One sample, when nobody asks who won: what inference mostly does.
  void largest_of_2x2(const T* x, T* y) const {
    const ChannelLayout& src = layer_.src_layout_;
    const ChannelLayout& dst = layer_.dst_layout_;
    const Index row = src.W * src.pixel_stride;
    for (std::size_t g = 0; g < src.groups.size(); ++g) {
      with_lanes(src.groups[g].lanes, [&]<int L>() {
        using V = Vector<L>;
        T* to = y + dst.groups[g].offset;
        for (Index oh = 0; oh < dst.H; ++oh) {
          const T* from = x + src.groups[g].offset + 2 * oh * row;
          for (Index ow = 0; ow < dst.W; ++ow) {
            auto best = V::load(from);
            for (const Index at : {src.pixel_stride, row, row + src.pixel_stride}) {
              const auto value = V::load(from + at);
              best = value > best ? value : best;
            }
            V::store(to, best);
            from += 2 * src.pixel_stride;
            to += dst.pixel_stride;
          }
        }
      });
    }
  }

  /// body(offset of the pixel in a group, its number within the window)
  template <typename F>
  void for_pixels(const Window& window, F&& body) const {
    const ChannelLayout& src = layer_.src_layout_;
    int number = 0;
    for (Index h = window.top; h < window.bottom; ++h) {
      for (Index w = window.left; w < window.right; ++w) {
        body((h * src.W + w) * src.pixel_stride, number++);
      }
    }
  }

  template <int L>
  void largest(const T* x, const Window& window, T* y, std::uint8_t* winner) const {
    using V = Vector<L>;
    auto best = V::load(x + (window.top * layer_.src_layout_.W + window.left) *
                                layer_.src_layout_.pixel_stride);
    typename V::Int best_number{};
    for_pixels(window, [&](Index at, int number) {
      const auto value = V::load(x + at);
      const auto better = value > best;
      best = better ? value : best;
      best_number = better ? typename V::Int{} + number : best_number;
    });
    V::store(y, best);
    if (winner == nullptr) return;
    for (int l = 0; l < L; ++l) winner[l] = static_cast<std::uint8_t>(best_number[l]);
  }

  template <int L>
  void largest_backward(const T* dy, const std::uint8_t* winner, const Window& window,
                        float* dx) const {
    using V = Vector<L>;
    const auto g = V::load(dy);
    const typename V::Float zero{};
    typename V::Int winners{};
    for (int l = 0; l < L; ++l) winners[l] = winner[l];
    for_pixels(window, [&](Index at, int number) {
      const auto mine = winners == typename V::Int{} + number;
      V::store(dx + at, V::load(dx + at) + (mine ? g : zero));
    });
  }

  template <int L>
  void average(const T* x, const Window& window, T* y) const {
    using V = Vector<L>;
    typename V::Float sum{};
    for_pixels(window, [&](Index at, int) { sum += V::load(x + at); });
    V::store(y, sum * (1.0F / static_cast<float>(window.count())));
  }

  template <int L>
  void average_backward(const T* dy, const Window& window, float* dx) const {
    using V = Vector<L>;
    const auto share = V::load(dy) * (1.0F / static_cast<float>(window.count()));
    for_pixels(window, [&](Index at, int) { V::store(dx + at, V::load(dx + at) + share); });
  }

  const Pool& layer_;
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
