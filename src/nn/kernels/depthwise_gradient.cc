// The gradient of the weights: a sum over samples and pixels for each tap. Sums are float within a
// sample and over samples, in order, whoever computes them.
#include "nn/kernels/depthwise_loops.h"

namespace kindred::depthwise {
namespace {

/// One row of dst's diff, and the rows of src that taps bring to it.
template <typename T>
struct Row {
  Index count;  ///< rows of src
  const T* x;   ///< the first of them
  Index x_row;  ///< from it to the next
  Index x_step;
  Index x_width;
  Index row_size;  ///< numbers from any row to the next in memory
  const T* ahead;  ///< the first row that is not met yet
  Index ahead_count;
  const T* dy;
  Index dy_step;
  Index dy_width;
  Index padding;
};

/// Pixels of dst that are taken at once, and the most rows of taps for which the sums stay in
/// registers beside them.
constexpr int kPixels = 4;
constexpr int kRegisters = kRegisterFloats == 16 ? 32 : 16;
template <int K>
constexpr int kRows = std::clamp((kRegisters - 1 - kPixels) / K, 1, K);

/// Adds kPixels from `pixel` on to the sums of kTapRows rows of taps. kEdge: some of them, or of
/// those that they meet, may lie outside of the row.
template <int K, int kStride, int kTapRows, int L, bool kEdge, typename T>
[[gnu::always_inline]] inline void add_tile(const Row<T>& row, Index pixel,
                                            typename Vector<L>::Float (&sums)[kTapRows][K]) {
  using V = Vector<L>;
  using Float = typename V::Float;
  const auto inside = [](Index at, Index width) {
    return !kEdge || static_cast<std::size_t>(at) < static_cast<std::size_t>(width);
  };
  const Index column = pixel * kStride - row.padding;
  Float g[kPixels] = {};
  unrolled<kPixels>([&](auto p) {
    if (inside(pixel + p, row.dy_width)) g[p] = V::load(row.dy + (pixel + p) * row.dy_step);
  });
  unrolled<kTapRows>([&](auto r) {
    Index at = r * row.x_row + column * row.x_step;
    unrolled<(kPixels - 1) * kStride + K>([&](auto c) {
      Float value{};
      if (inside(column + c, row.x_width)) value = V::load(row.x + at);
      at += row.x_step;
      unrolled<K>([&](auto k) {
        constexpr int p = c - k;
        if constexpr (p >= 0 && p % kStride == 0 && p / kStride < kPixels) {
          sums[r][k] += value * g[p / kStride];
        }
      });
    });
  });
}

/// Adds pixels of a row to the sums of kTapRows rows of taps.
template <int K, int kStride, int kTapRows, int L, typename T>
void add_span(const Row<T>& row, Span pixels, float* totals) {
  using V = Vector<L>;
  typename V::Float sums[kTapRows][K];
  unrolled<kTapRows>([&](auto r) {
    unrolled<K>([&](auto k) { sums[r][k] = V::load(totals + (r * K + k) * L); });
  });
  for (Index pixel = pixels.begin; pixel < pixels.end; pixel += kPixels) {
    const Index column = pixel * kStride - row.padding;
    if (pixel + kPixels <= row.dy_width && column >= 0 &&
        column + (kPixels - 1) * kStride + K <= row.x_width) {
      add_tile<K, kStride, kTapRows, L, false>(row, pixel, sums);
    } else {
      add_tile<K, kStride, kTapRows, L, true>(row, pixel, sums);
    }
  }
  unrolled<kTapRows>([&](auto r) {
    unrolled<K>([&](auto k) { V::store(totals + (r * K + k) * L, sums[r][k]); });
  });
}

/// The same for all rows of taps, a few at a time.
template <int K, int kStride, int L, typename T>
void add_all_taps(Row<T> row, Span pixels, float* totals) {
  const Index first = std::max<Index>(pixels.begin * kStride - row.padding, 0);
  const Index end = std::min(pixels.end * kStride - row.padding, row.x_width);
  for (Index r = 0; r < row.ahead_count; ++r) {
    fetch(row.ahead + r * row.row_size + first * row.x_step, end - first, row.x_step);
  }
  while (row.count > 0) {
    const Index taken = std::min<Index>(row.count, kRows<K>);
    with_size<kRows<K>>(
        taken, [&]<int kTapRows>() { add_span<K, kStride, kTapRows, L>(row, pixels, totals); });
    row.count -= taken;
    row.x += taken * row.x_row;
    totals += taken * K * L;
  }
}

/// Any kernel, stride and dilation, pixel by pixel: `gradient` begins with the row's first row of
/// taps, `kernel` of them, `tap` floats apart.
template <int L, typename Columns, typename T>
void add_any_span(const Row<T>& row, const Columns& axis, Span pixels, Index kernel, Index tap,
                  float* gradient) {
  using V = Vector<L>;
  for (Index i = pixels.begin; i < pixels.end; ++i) {
    const auto g = V::load(row.dy + i * row.dy_step);
    const Meeting columns = axis.of(i);
    for (Index r = 0; r < row.count; ++r) {
      const T* x = row.x + r * row.x_row + columns.at * row.x_step;
      float* to = gradient + (r * kernel + columns.tap) * tap;
      for (Index c = 0; c < columns.count; ++c) {
        V::store(to, V::load(to) + g * V::load(x));
        x += axis.at_step * row.x_step;
        to += tap;
      }
    }
  }
}

/// Adds one sample of a bundle.
template <int K, int kStride, typename T>
void add_sample(const DepthwisePlan& plan, Bundle bundle, const T* x, const T* dy,
                float* diff_weights) {
  const ChannelLayout& src = plan.src;
  const ChannelLayout& dst = plan.dst;
  const Axis<true, kStride> vertical(plan, src.H);
  const Axis<true, kStride> horizontal(plan, src.W);
  const Index x_row = src.W * src.pixel_stride;
  float totals[Bundle::kMost * 16 * std::max(K * K, 1)];  // [register, tap, lane]
  std::fill_n(totals, (bundle.last - bundle.first) * 16 * K * K, 0.0F);
  const auto add = [&]<int L>(const Piece& piece, Index h, Span pixels) {
    const Meeting rows = vertical.of(h);
    const Ahead ahead = ahead_of(plan, vertical, h);
    const Row<T> row{.count = rows.count,
                     .x = x + piece.src + rows.at * x_row,
                     .x_row = plan.dilation * x_row,
                     .x_step = src.pixel_stride,
                     .x_width = src.W,
                     .row_size = x_row,
                     .ahead = x + piece.src + ahead.at * x_row,
                     .ahead_count = ahead.count,
                     .dy = dy + piece.dst + h * dst.W * dst.pixel_stride,
                     .dy_step = dst.pixel_stride,
                     .dy_width = dst.W,
                     .padding = plan.padding};
    if constexpr (K > 0 && L > 1) {
      add_all_taps<K, kStride, L>(row, pixels, totals + (piece.lane * K + rows.tap * L) * K);
    } else {
      add_any_span<L>(row, horizontal, pixels, plan.kernel, piece.tap,
                      diff_weights + piece.weights + rows.tap * plan.kernel * piece.tap);
    }
  };
  for_spans(plan, bundle, {0, dst.H}, {0, dst.W}, 2 * kPixels, add);
  for_pieces(plan, bundle, [&]<int L>(const Piece& piece) {
    if constexpr (K > 0 && L > 1) {
      using V = Vector<L>;
      float* to = diff_weights + piece.weights;
      for (Index tap = 0; tap < K * K; ++tap, to += piece.tap) {
        V::store(to, V::load(to) + V::load(totals + piece.lane * K * K + tap * L));
      }
    }
  });
}

/// Of an image that is one window.
template <typename T>
void add_whole_sample(const DepthwisePlan& plan, Bundle bundle, const T* x, const T* dy,
                      float* diff_weights) {
  for_pieces(plan, bundle, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    const auto g = V::load(dy + piece.dst);
    const T* at = x + piece.src;
    float* to = diff_weights + piece.weights;
    for (Index tap = 0; tap < plan.taps(); ++tap, at += plan.src.pixel_stride, to += piece.tap) {
      V::store(to, V::load(to) + g * V::load(at));
    }
  });
}

/// Groups of a part. Images of few pixels are taken several at a time: those of a sample follow
/// each other in memory, the next sample's lie far away.
Index bundle_size(const DepthwisePlan& plan) {
  constexpr auto kMost = static_cast<Index>(Bundle::kMost);
  constexpr Index kPixelsTogether = 1024;
  if (is_channels_last(plan)) return kMost;
  return std::clamp<Index>(kPixelsTogether / plan.src.pixels(), 1, kMost);
}

template <typename T>
void write_diff_bias(const DepthwisePlan& plan, Bundle bundle, const T* dy, float* diff_bias) {
  const ChannelLayout& dst = plan.dst;
  for_pieces(plan, bundle, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    typename V::Float total{};
    for (Index n = 0; n < dst.S; ++n) {
      const T* at = dy + n * dst.sample_stride + piece.dst;
      typename V::Float sums[4] = {};
      for (Index p = 0; p < dst.pixels(); ++p) sums[p % 4] += V::load(at + p * dst.pixel_stride);
      total += (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
    V::store(diff_bias + piece.channel, total);
  });
}

}  // namespace

Index gradient_parts(const DepthwisePlan& plan) {
  return blocks_of(static_cast<Index>(plan.src.groups.size()), bundle_size(plan));
}

template <typename T>
void backward_weights(const DepthwisePlan& plan, Index part, const T* src, const T* diff_dst,
                      float* diff_weights, float* diff_bias) {
  const auto size = static_cast<std::size_t>(bundle_size(plan));
  const std::size_t first_group = static_cast<std::size_t>(part) * size;
  const Bundle bundle{first_group, std::min(first_group + size, plan.src.groups.size())};
  for (std::size_t g = bundle.first; g < bundle.last; ++g) {
    const ChannelGroup& group = plan.src.groups[g];
    std::fill_n(diff_weights + group.channel * plan.taps(), group.lanes * plan.taps(), 0.0F);
  }
  const auto add = [&](auto&& add_one) {
    for (Index n = 0; n < plan.src.S; ++n) {
      add_one(plan, bundle, src + n * plan.src.sample_stride, diff_dst + n * plan.dst.sample_stride,
              diff_weights);
    }
  };
  if (is_whole_image(plan)) {
    add(add_whole_sample<T>);
  } else {
    with_kernel(plan, [&]<int K, int kStride>() { add(add_sample<K, kStride, T>); });
  }
  if (diff_bias != nullptr) write_diff_bias(plan, bundle, diff_dst, diff_bias);
}

#define KINDRED_DEPTHWISE(T) \
  template void backward_weights(const DepthwisePlan&, Index, const T*, const T*, float*, float*)
KINDRED_FOR_NUMBERS(KINDRED_DEPTHWISE);
#undef KINDRED_DEPTHWISE

}  // namespace kindred::depthwise
