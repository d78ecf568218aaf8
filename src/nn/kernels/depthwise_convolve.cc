// Forward and backward data, which are one loop: each pixel that is written is a sum over taps of
// pixels that are read.
#include <type_traits>

#include "nn/kernels/activation_loops.h"
#include "nn/kernels/depthwise_loops.h"

namespace kindred::depthwise {
namespace {

/// Some channels and rows of what is written.
struct Block {
  Bundle bundle;
  Span rows;
};

/// Writes `count` pixels of sums that lie side by side, L floats each; slopes: PReLU's, [L].
template <typename T>
using Finish = void (*)(const float* sums, Index count, bool add, const float* slopes, T* y,
                        Index y_step);

template <int L, ActivationKind kind, typename T>
void finish(const float* sums, Index count, bool add, const float* slopes, T* y, Index y_step) {
  using V = Vector<L>;
  auto slope = V::all(0.0F);
  if constexpr (kind == ActivationKind::prelu) slope = V::load(slopes);
  for (Index i = 0; i < count; ++i, y += y_step) {
    auto value = V::load(sums + i * L);
    if (add) value += V::load(y);
    V::store(y, activated<L, kind>(value, slope));
  }
}

template <int L, typename T>
Finish<T> finish_of(const DepthwiseOutput& output) {
  return with_activation(output.activation,
                         []<ActivationKind kind>() -> Finish<T> { return finish<L, kind, T>; });
}

/// One row of pixels that are written, and the rows of pixels that are read for it.
template <typename T>
struct Row {
  Index count;  ///< rows that are read
  const T* x;   ///< the first of them
  Index x_row;  ///< from it to the next
  Index x_step;
  Index x_width;
  Index row_size;  ///< numbers from any row to the next in memory
  const T* ahead;  ///< the first row that is not met yet
  Index ahead_count;
  const float* weights;  ///< of the first row
  Index weights_row;
  Index tap;  ///< from a tap to the next
  Index padding;
  const float* bias;  ///< nullptr: none
  Finish<T> finish;   ///< nullptr: sums are written as they are
  bool add;
  const float* slopes;  ///< nullptr: none
  T* y;
  Index y_step;
  Index y_width;
};

/// Pixels side by side that are computed at once, and at the end of a row.
constexpr int kWide = 8;
constexpr int kNarrow = 4;

/// How pixels side by side meet the taps of one row: outputs from columns() pixels that are read,
/// the first of which is first_column().
template <bool kForward, int K, int kStride>
struct Tile {
  static constexpr int kBefore = kForward ? 0 : (K - 1) / kStride;

  /// Columns from a tile of kWide outputs to the next.
  static constexpr int kAdvance = kForward ? kWide * kStride : kWide / kStride;
  static constexpr int columns(int outputs) {
    return kForward ? (outputs - 1) * kStride + K : outputs / kStride + kBefore;
  }
  /// The output that tap k of a column adds to, or -1.
  static constexpr int output(int outputs, int column, int k) {
    const int at = kForward ? column - k : (column - kBefore) * kStride + k;
    if (at < 0 || (kForward && at % kStride != 0)) return -1;
    const int output = kForward ? at / kStride : at;
    return output < outputs ? output : -1;
  }
  static Index first_column(Index output, Index padding) {
    return kForward ? output * kStride - padding : (output + padding) / kStride - kBefore;
  }
  /// Of the first tile, which may lie before the image.
  static Index first_output(Index padding) { return kForward ? 0 : -(padding % kStride); }
};

/// kOutputs pixels from `output` on. kEdge: some of them, or of those that are read, may lie
/// outside of the row. Tests of each cost less than pixels one by one at the edges do: those were
/// tried, and half as fast for 5x5.
template <typename Shape, int L, int K, int kOutputs, bool kEdge, typename T>
[[gnu::always_inline]] inline void compute_tile(const Row<T>& row, Index output) {
  using V = Vector<L>;
  using Float = typename V::Float;
  const auto inside = [](Index at, Index width) {
    return !kEdge || static_cast<std::size_t>(at) < static_cast<std::size_t>(width);
  };
  const Index column = Shape::first_column(output, row.padding);
  const Float bias = row.bias == nullptr ? Float{} : V::load(row.bias);
  Float sums[kOutputs];
  unrolled<kOutputs>([&](auto o) { sums[o] = bias; });
  Index x = column * row.x_step;
  const float* w = row.weights;
  for (Index r = 0; r < row.count; ++r, x += row.x_row, w += row.weights_row) {
    Float taps[K];
    unrolled<K>([&](auto k) { taps[k] = V::load(w + k * row.tap); });
    Index at = x;
    unrolled<Shape::columns(kOutputs)>([&](auto c) {
      Float value{};
      if (inside(column + c, row.x_width)) value = V::load(row.x + at);
      at += row.x_step;
      unrolled<K>([&](auto k) {
        constexpr int o = Shape::output(kOutputs, c, k);
        if constexpr (o >= 0) sums[o] += value * taps[k];
      });
    });
  }
  if (row.finish == nullptr) {
    Index y = output * row.y_step;
    unrolled<kOutputs>([&](auto o) {
      if (inside(output + o, row.y_width)) V::store(row.y + y, sums[o]);
      y += row.y_step;
    });
    return;
  }
  float held[kOutputs * L];
  unrolled<kOutputs>([&](auto o) { V::store(held + o * L, sums[o]); });
  const Index skip = std::max<Index>(-output, 0);
  const Index end = std::min<Index>(kOutputs, row.y_width - output);
  row.finish(held + skip * L, end - skip, row.add, row.slopes, row.y + (output + skip) * row.y_step,
             row.y_step);
}

template <typename Shape, int L, int K, typename T>
void compute_span(const Row<T>& row, Span outputs) {
  for (Index output = outputs.begin; output < outputs.end; output += kWide) {
    const Index column = Shape::first_column(output, row.padding);
    for (Index r = 0; r < row.ahead_count; ++r) {
      const Index from = std::max<Index>(column, 0);
      fetch(row.ahead + r * row.row_size + from * row.x_step,
            std::min<Index>(Shape::kAdvance, row.x_width - from), row.x_step);
    }
    if (output >= 0 && output + kWide <= row.y_width && column >= 0 &&
        column + Shape::columns(kWide) <= row.x_width) {
      compute_tile<Shape, L, K, kWide, false>(row, output);
    } else if (output + kNarrow < row.y_width) {
      compute_tile<Shape, L, K, kWide, true>(row, output);
    } else {
      compute_tile<Shape, L, K, kNarrow, true>(row, output);
    }
  }
}

/// Pixels one by one, for any kernel, stride and dilation.
template <int L, typename Columns, typename T>
void compute_any_span(const Row<T>& row, const Columns& axis, Span outputs) {
  using V = Vector<L>;
  for (Index i = outputs.begin; i < outputs.end; ++i) {
    const Meeting columns = axis.of(i);
    auto sum = row.bias == nullptr ? typename V::Float{} : V::load(row.bias);
    for (Index r = 0; r < row.count; ++r) {
      const T* x = row.x + r * row.x_row + columns.at * row.x_step;
      const float* w = row.weights + r * row.weights_row + columns.tap * row.tap;
      for (Index c = 0; c < columns.count; ++c) {
        sum += V::load(x) * V::load(w);
        x += axis.at_step * row.x_step;
        w += axis.tap_step * row.tap;
      }
    }
    T* y = row.y + i * row.y_step;
    if (row.finish == nullptr) {
      V::store(y, sum);
      continue;
    }
    float held[L];
    V::store(held, sum);
    row.finish(held, 1, row.add, row.slopes, y, row.y_step);
  }
}

/// Some channels and rows of one sample.
template <bool kForward, int K, int kStride, typename T>
void convolve(const DepthwisePlan& plan, const Block& block, const T* x, const float* weights,
              const DepthwiseOutput& output, T* y) {
  using Shape = Tile<kForward, K, kStride>;
  const ChannelLayout& from = kForward ? plan.src : plan.dst;
  const ChannelLayout& to = kForward ? plan.dst : plan.src;
  const Axis<kForward, kStride> vertical(plan, from.H);
  const Axis<kForward, kStride> horizontal(plan, from.W);
  const Index x_row = from.W * from.pixel_stride;
  Index first = 0;
  if constexpr (K > 0) first = Shape::first_output(plan.padding);
  const auto compute = [&]<int L>(const Piece& piece, Index h, Span columns) {
    const Meeting rows = vertical.of(h);
    const Ahead ahead = ahead_of(plan, vertical, h);
    const T* x_start = x + (kForward ? piece.src : piece.dst);
    const Index weights_row = plan.kernel * piece.tap;
    Row<T> row{.count = rows.count,
               .x = x_start + rows.at * x_row,
               .x_row = vertical.at_step * x_row,
               .x_step = from.pixel_stride,
               .x_width = from.W,
               .row_size = x_row,
               .ahead = x_start + ahead.at * x_row,
               .ahead_count = ahead.count,
               .weights = weights + piece.weights + rows.tap * weights_row,
               .weights_row = vertical.tap_step * weights_row,
               .tap = piece.tap,
               .padding = plan.padding,
               .bias = output.bias == nullptr ? nullptr : output.bias + piece.channel,
               .finish = nullptr,
               .add = output.sum,
               .slopes = output.activation.from(piece.channel).slopes,
               .y = y + (kForward ? piece.dst : piece.src) + h * to.W * to.pixel_stride,
               .y_step = to.pixel_stride,
               .y_width = to.W};
    if (kForward && (output.activation || output.sum)) row.finish = finish_of<L, T>(output);
    if constexpr (K > 0 && L > 1) {
      compute_span<Shape, L, K>(row, columns);
    } else {
      columns.begin = std::max<Index>(columns.begin, 0);
      compute_any_span<L>(row, horizontal, columns);
    }
  };
  for_spans(plan, block.bundle, block.rows, {first, to.W}, kWide, compute);
}

/// Of an image that is one window. Four sums, as one waits for each addition before the next.
template <typename T>
void whole_forward(const DepthwisePlan& plan, const Block& block, const T* x, const float* weights,
                   const DepthwiseOutput& output, T* y) {
  for_pieces(plan, block.bundle, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    typename V::Float sums[4] = {};
    if (output.bias != nullptr) sums[0] = V::load(output.bias + piece.channel);
    const T* at = x + piece.src;
    const float* w = weights + piece.weights;
    Index tap = 0;
    for (; tap + 4 <= plan.taps(); tap += 4) {
      for (int i = 0; i < 4; ++i, at += plan.src.pixel_stride, w += piece.tap) {
        sums[i] += V::load(at) * V::load(w);
      }
    }
    for (; tap < plan.taps(); ++tap, at += plan.src.pixel_stride, w += piece.tap) {
      sums[0] += V::load(at) * V::load(w);
    }
    float held[L];
    V::store(held, (sums[0] + sums[1]) + (sums[2] + sums[3]));
    finish_of<L, T>(output)(held, 1, output.sum, output.activation.from(piece.channel).slopes,
                            y + piece.dst, 0);
  });
}

template <typename T>
void whole_backward(const DepthwisePlan& plan, const Block& block, const T* dy,
                    const float* weights, const DepthwiseOutput&, T* dx) {
  const Index pixels = (block.rows.end - block.rows.begin) * plan.src.W;
  const Index first = block.rows.begin * plan.src.W;
  for_pieces(plan, block.bundle, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    const auto g = V::load(dy + piece.dst);
    T* at = dx + piece.src + first * plan.src.pixel_stride;
    const float* w = weights + piece.weights + first * piece.tap;
    for (Index i = 0; i < pixels; ++i, at += plan.src.pixel_stride, w += piece.tap) {
      V::store(at, g * V::load(w));
    }
  });
}

/// What one of a part's steps takes of a sample: a row of all channels that lie side by side, or
/// all rows of a channel group.
Index steps_of_sample(const DepthwisePlan& plan, const ChannelLayout& to) {
  return is_channels_last(plan) ? to.H : static_cast<Index>(to.groups.size());
}
/// Steps of a part: 2^19 multiplications, some ten microseconds.
Index steps_of_part(const DepthwisePlan& plan, const ChannelLayout& to) {
  constexpr Index kWork = Index{1} << 19;
  const Index work = plan.dst.sample_stride * plan.taps() / steps_of_sample(plan, to);
  return std::max<Index>(kWork / std::max<Index>(work, 1), 1);
}
Index parts_of(const DepthwisePlan& plan, const ChannelLayout& to) {
  return blocks_of(plan.src.S * steps_of_sample(plan, to), steps_of_part(plan, to));
}

/// body(sample, block) for all of a part.
template <typename F>
void for_blocks(const DepthwisePlan& plan, const ChannelLayout& to, Index part, F&& body) {
  const Index each = steps_of_part(plan, to);
  const Index of_sample = steps_of_sample(plan, to);
  Index at = part * each;
  const Index end = std::min(at + each, plan.src.S * of_sample);
  while (at < end) {
    const Index n = at / of_sample;
    const Index first = at - n * of_sample;
    const Index last = std::min(first + end - at, of_sample);
    at += last - first;
    const bool by_rows = is_channels_last(plan);
    const auto groups = [](Index number) { return static_cast<std::size_t>(number); };
    body(n, by_rows ? Block{{0, to.groups.size()}, {first, last}}
                    : Block{{groups(first), groups(last)}, {0, to.H}});
  }
}

}  // namespace

Index forward_parts(const DepthwisePlan& plan) { return parts_of(plan, plan.dst); }

template <typename T>
void forward(const DepthwisePlan& plan, Index part, const T* src, const float* weights,
             const DepthwiseOutput& output, T* dst) {
  const auto run = [&](auto&& convolution) {
    for_blocks(plan, plan.dst, part, [&](Index n, const Block& block) {
      convolution(plan, block, src + n * plan.src.sample_stride, weights, output,
                  dst + n * plan.dst.sample_stride);
    });
  };
  if (is_whole_image(plan)) return run(whole_forward<T>);
  with_kernel(plan, [&]<int K, int kStride>() { run(convolve<true, K, kStride, T>); });
}

Index data_parts(const DepthwisePlan& plan) { return parts_of(plan, plan.src); }

template <typename T>
void backward_data(const DepthwisePlan& plan, Index part, const T* diff_dst, const float* weights,
                   T* diff_src) {
  const auto run = [&](auto&& convolution) {
    for_blocks(plan, plan.src, part, [&](Index n, const Block& block) {
      convolution(plan, block, diff_dst + n * plan.dst.sample_stride, weights, DepthwiseOutput{},
                  diff_src + n * plan.src.sample_stride);
    });
  };
  if (is_whole_image(plan)) return run(whole_backward<T>);
  with_kernel(plan, [&]<int K, int kStride>() { run(convolve<false, K, kStride, T>); });
}

#define KINDRED_DEPTHWISE(T)                                                 \
  template void forward(const DepthwisePlan&, Index, const T*, const float*, \
                        const DepthwiseOutput&, T*);                         \
  template void backward_data(const DepthwisePlan&, Index, const T*, const float*, T*)
KINDRED_FOR_NUMBERS(KINDRED_DEPTHWISE);
#undef KINDRED_DEPTHWISE

}  // namespace kindred::depthwise
