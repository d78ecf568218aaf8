#pragma once
// What the loops of depthwise_convolve.cc and depthwise_gradient.cc are made of.
#include <algorithm>
#include <numeric>

#include "nn/kernels/depthwise_kernels.h"
#include "nn/kernels/unrolled.h"
#include "nn/kernels/vector.h"

namespace kindred::depthwise {

/// The taps that meet a pixel along one axis, and the pixels of the other tensor under them:
/// tap + i * Axis::tap_step over pixel at + i * Axis::at_step, 0 <= i < count.
struct Meeting {
  Index tap = 0;
  Index at = 0;
  Index count = 0;
};

/// One axis of a convolution, seen from the pixels of dst (kForward) or of src. kStride: that of
/// loops made for it, with dilation 1; 0: as the plan says.
template <bool kForward, int kStride>
class Axis {
 public:
  /// `extent`: of the other tensor.
  Axis(const DepthwisePlan& plan, Index extent)
      : kernel_(plan.kernel),
        padding_(plan.padding),
        plan_stride_(plan.stride),
        plan_dilation_(plan.dilation),
        extent_(extent) {
    if (kForward) {
      at_step = dilation();
      return;
    }
    const Index common = std::gcd(stride(), dilation());
    tap_step = stride() / common;
    at_step = -dilation() / common;
  }

  Meeting of(Index pixel) const {
    if constexpr (kForward) {
      const Index first = pixel * stride() - padding_;
      const Index tap = first < 0 ? blocks_of(-first, dilation()) : 0;
      const Index at = first + tap * dilation();
      if (at >= extent_) return {};
      return {tap, at, std::min(kernel_ - tap, (extent_ - 1 - at) / dilation() + 1)};
    } else {
      // Tap k brings the pixel (pixel + padding - k * dilation) / stride, where that is whole.
      Index tap = 0;
      while (tap < tap_step && (pixel + padding_ - tap * dilation()) % stride() != 0) ++tap;
      if (tap == tap_step) return {};
      Index at = (pixel + padding_ - tap * dilation()) / stride();
      if (at >= extent_) {
        const Index past = blocks_of(at - extent_ + 1, -at_step);
        tap += past * tap_step;
        at += past * at_step;
      }
      if (at < 0 || tap >= kernel_) return {};
      return {tap, at, std::min(blocks_of(kernel_ - tap, tap_step), at / -at_step + 1)};
    }
  }

  Index tap_step = 1;
  Index at_step = 1;

 private:
  Index stride() const { return kStride > 0 ? kStride : plan_stride_; }
  Index dilation() const { return kStride > 0 ? 1 : plan_dilation_; }
  Index kernel_, padding_, plan_stride_, plan_dilation_, extent_;
};

/// A range.
struct Span {
  Index begin = 0;
  Index end = 0;
};

inline bool is_channels_last(const DepthwisePlan& plan) {
  return plan.src.pixel_stride == plan.src.C && plan.src.groups.size() > 1;
}

/// Rows of the other tensor that the next row of pixels meets and this one does not, from `at` on.
struct Ahead {
  Index at = 0;
  Index count = 0;
};
/// None where the rows that follow each other in memory are read one after the other: the CPU
/// fetches those by itself.
template <bool kForward, int kStride>
Ahead ahead_of(const DepthwisePlan& plan, const Axis<kForward, kStride>& axis, Index pixel) {
  if (plan.stride == 1 && !is_channels_last(plan)) return {};
  const Meeting now = axis.of(pixel);
  const Meeting next = axis.of(pixel + 1);
  if (now.count == 0 || next.count == 0) return {};
  const auto last = [&](const Meeting& rows) {
    return kForward ? rows.at + (rows.count - 1) * axis.at_step : rows.at;
  };
  return {last(now) + 1, std::max<Index>(last(next) - last(now), 0)};
}

/// Begins to read `count` pixels, `step` numbers apart, that are needed soon.
template <typename T>
[[gnu::always_inline]] inline void fetch(const T* from, Index count, Index step) {
  constexpr Index kLine = 64 / static_cast<Index>(sizeof(T));
  const Index each = std::max<Index>(kLine / step, 1);
  for (Index i = 0; i < count; i += each) __builtin_prefetch(from + i * step);
}

/// dst is one pixel that sees all of src: a global pool with weights.
inline bool is_whole_image(const DepthwisePlan& plan) {
  return plan.padding == 0 && plan.dilation == 1 && plan.src.H == plan.kernel &&
         plan.src.W == plan.kernel;
}

/// Channel groups [first, last) that are worked on together. Those of one channels-last pixel lie
/// side by side: a few pixels are read for all of them before the next. In other layouts a group is
/// an image of its own.
struct Bundle {
  static constexpr std::size_t kMost = 8;
  std::size_t first = 0;
  std::size_t last = 0;
};

/// What one register holds of a channel group.
struct Piece {
  Index src;      ///< numbers from the start of a sample of src to its first pixel
  Index dst;      ///< likewise
  Index channel;  ///< of its first lane
  Index weights;  ///< floats from the start of the weights to its first tap
  Index tap;      ///< floats from a tap to the next
  Index lane;     ///< its first lane among those of the bundle, 16 to a group
};

/// body.operator()<L>(piece) for each register of a bundle.
template <typename F>
void for_pieces(const DepthwisePlan& plan, Bundle bundle, F&& body) {
  for (std::size_t g = bundle.first; g < bundle.last; ++g) {
    const ChannelGroup& group = plan.src.groups[g];
    for_registers(group.lanes, [&]<int L>(Index lane) {
      body.template operator()<L>(Piece{group.offset + lane, plan.dst.groups[g].offset + lane,
                                        group.channel + lane, group.channel * plan.taps() + lane,
                                        group.lanes,
                                        static_cast<Index>(g - bundle.first) * 16 + lane});
    });
  }
}

/// body.operator()<L>(piece, row, columns) for all registers, rows and columns of one sample, in
/// the order in which they lie in memory; `columns` are all of them, or `step` at a time.
template <typename F>
void for_spans(const DepthwisePlan& plan, Bundle bundle, Span rows, Span columns, Index step,
               F&& body) {
  if (!is_channels_last(plan)) {
    for_pieces(plan, bundle, [&]<int L>(const Piece& piece) {
      for (Index row = rows.begin; row < rows.end; ++row) {
        body.template operator()<L>(piece, row, columns);
      }
    });
    return;
  }
  for (Index row = rows.begin; row < rows.end; ++row) {
    for (Index at = columns.begin; at < columns.end; at += step) {
      const Span some{at, std::min(at + step, columns.end)};
      for_pieces(plan, bundle,
                 [&]<int L>(const Piece& piece) { body.template operator()<L>(piece, row, some); });
    }
  }
}

/// body.operator()<kernel, stride>() for those that have loops of their own, else <0, 0>().
template <typename F>
void with_kernel(const DepthwisePlan& plan, F&& body) {
  const auto is = [&](Index kernel, Index stride) {
    return plan.kernel == kernel && plan.stride == stride && plan.dilation == 1;
  };
  if (is(3, 1)) return body.template operator()<3, 1>();
  if (is(3, 2)) return body.template operator()<3, 2>();
  if (is(5, 1)) return body.template operator()<5, 1>();
  if (is(5, 2)) return body.template operator()<5, 2>();
  if (is(7, 1)) return body.template operator()<7, 1>();
  body.template operator()<0, 0>();
}

/// The functions of DepthwiseKernels.
Index forward_parts(const DepthwisePlan& plan);
template <typename T>
void forward(const DepthwisePlan& plan, Index part, const T* src, const float* weights,
             const DepthwiseOutput& output, T* dst);
Index data_parts(const DepthwisePlan& plan);
template <typename T>
void backward_data(const DepthwisePlan& plan, Index part, const T* diff_dst, const float* weights,
                   T* diff_src);
Index gradient_parts(const DepthwisePlan& plan);
template <typename T>
void backward_weights(const DepthwisePlan& plan, Index part, const T* src, const T* diff_dst,
                      float* diff_weights, float* diff_bias);

}  // namespace kindred::depthwise
