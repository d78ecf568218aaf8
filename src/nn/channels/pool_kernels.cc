#include "nn/channels/pool_kernels.h"

#include <algorithm>
#include <type_traits>

#include "nn/kernels/vector.h"

namespace kindred {
namespace {

/// The pixels of one window that lie inside the image.
struct Window {
  Index top, bottom, left, right;  // [top, bottom) x [left, right)
  Index count() const { return (bottom - top) * (right - left); }
};

Window window_at(const PoolPlan& plan, Index oh, Index ow) {
  const auto low = [](Index at) { return std::max<Index>(at, 0); };
  const Index top = oh * plan.stride - plan.padding;
  const Index left = ow * plan.stride - plan.padding;
  return {low(top), std::min(top + plan.kernel, plan.src.H), low(left),
          std::min(left + plan.kernel, plan.src.W)};
}

/// body.operator()<L>(start of the lanes in a sample of src, place of the pixel in a sample of dst,
/// window)
template <typename F>
void for_windows(const PoolPlan& plan, F&& body) {
  const ChannelLayout& dst = plan.dst;
  for (std::size_t g = 0; g < plan.src.groups.size(); ++g) {
    for_registers(plan.src.groups[g].lanes, [&]<int L>(Index lane) {
      const Index from = plan.src.groups[g].offset + lane;
      Index to = dst.groups[g].offset + lane;
      for (Index oh = 0; oh < dst.H; ++oh) {
        for (Index ow = 0; ow < dst.W; ++ow) {
          body.template operator()<L>(from, to, window_at(plan, oh, ow));
          to += dst.pixel_stride;
        }
      }
    });
  }
}

/// body(offset of the pixel, its number within the window) for K x K pixels from `first` on: with
/// constant numbers, and without loops that end after two or three rounds.
template <int K, typename F>
[[gnu::always_inline]] inline void for_square(const ChannelLayout& src, Index first, F&& body) {
#pragma GCC unroll 3
  for (int h = 0; h < K; ++h) {
#pragma GCC unroll 3
    for (int w = 0; w < K; ++w) body(first + (h * src.W + w) * src.pixel_stride, h * K + w);
  }
}

/// The same for any window.
template <typename F>
[[gnu::always_inline]] inline void for_pixels(const PoolPlan& plan, const Window& window,
                                              F&& body) {
  const Index height = window.bottom - window.top;
  const Index width = window.right - window.left;
  const Index first = (window.top * plan.src.W + window.left) * plan.src.pixel_stride;
  if (height == 2 && width == 2) return for_square<2>(plan.src, first, body);
  if (height == 3 && width == 3) return for_square<3>(plan.src, first, body);
  int number = 0;
  for (Index h = 0; h < height; ++h) {
    for (Index w = 0; w < width; ++w) {
      body(first + (h * plan.src.W + w) * plan.src.pixel_stride, number++);
    }
  }
}

template <int L, typename T>
void largest(const PoolPlan& plan, const T* x, const Window& window, T* y, std::uint8_t* winner) {
  using V = Vector<L>;
  auto best = V::load(x + (window.top * plan.src.W + window.left) * plan.src.pixel_stride);
  typename V::Int best_number{};
  for_pixels(plan, window, [&](Index at, int number) {
    const auto value = V::load(x + at);
    const auto better = value > best;
    best = better ? value : best;
    best_number = better ? typename V::Int{} + number : best_number;
  });
  V::store(y, best);
  if (winner != nullptr) V::store_bytes(winner, best_number);
}

template <int L, typename T>
void largest_backward(const PoolPlan& plan, const T* dy, const std::uint8_t* winner,
                      const Window& window, float* dx) {
  using V = Vector<L>;
  const auto g = V::load(dy);
  const auto winners = V::load_bytes(winner);
  for_pixels(plan, window, [&](Index at, int number) {
    const auto mine = winners == typename V::Int{} + number;
    V::store(dx + at, V::load(dx + at) + V::where(mine, g));
  });
}

template <int L, typename T>
void average(const PoolPlan& plan, const T* x, const Window& window, T* y) {
  using V = Vector<L>;
  typename V::Float sum{};
  for_pixels(plan, window, [&](Index at, int) { sum += V::load(x + at); });
  V::store(y, sum * (1.0F / static_cast<float>(window.count())));
}

template <int L, typename T>
void average_backward(const PoolPlan& plan, const T* dy, const Window& window, float* dx) {
  using V = Vector<L>;
  const auto share = V::load(dy) * (1.0F / static_cast<float>(window.count()));
  for_pixels(plan, window, [&](Index at, int) { V::store(dx + at, V::load(dx + at) + share); });
}

bool is_largest_of_2x2(const PoolPlan& plan) {
  return plan.largest && plan.kernel == 2 && plan.stride == 2 && plan.padding == 0;
}

/// One sample, when nobody asks who won: what inference mostly does.
template <typename T>
void largest_of_2x2(const PoolPlan& plan, const T* x, T* y) {
  const ChannelLayout& src = plan.src;
  const ChannelLayout& dst = plan.dst;
  const Index row = src.W * src.pixel_stride;
  for (std::size_t g = 0; g < src.groups.size(); ++g) {
    for_registers(src.groups[g].lanes, [&]<int L>(Index lane) {
      using V = Vector<L>;
      T* to = y + dst.groups[g].offset + lane;
      for (Index oh = 0; oh < dst.H; ++oh) {
        const T* from = x + src.groups[g].offset + lane + 2 * oh * row;
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

template <typename T>
void forward_sample(const PoolPlan& plan, const T* x, T* y, std::uint8_t* winners) {
  if (is_largest_of_2x2(plan) && winners == nullptr) return largest_of_2x2(plan, x, y);
  for_windows(plan, [&]<int L>(Index from, Index to, const Window& window) {
    if (plan.largest) {
      largest<L>(plan, x + from, window, y + to, winners == nullptr ? nullptr : winners + to);
    } else {
      average<L>(plan, x + from, window, y + to);
    }
  });
}

template <typename T>
void forward(const PoolPlan& plan, const T* x, T* y, std::uint8_t* winners) {
  for (Index n = 0; n < plan.src.S; ++n) {
    const Index to = n * plan.dst.sample_stride;
    forward_sample(plan, x + n * plan.src.sample_stride, y + to,
                   winners == nullptr ? nullptr : winners + to);
  }
}

/// Adds one sample's shares up: windows may overlap.
template <typename T>
void backward_sample(const PoolPlan& plan, const T* dy, const std::uint8_t* winners, float* sums) {
  std::fill_n(sums, plan.src.sample_stride, 0.0F);
  for_windows(plan, [&]<int L>(Index from, Index to, const Window& window) {
    if (plan.largest) {
      largest_backward<L>(plan, dy + to, winners + to, window, sums + from);
    } else {
      average_backward<L>(plan, dy + to, window, sums + from);
    }
  });
}

template <typename T>
void backward(const PoolPlan& plan, const T* dy, const std::uint8_t* winners, float* sums, T* dx) {
  const Index size = plan.src.sample_stride;
  for (Index n = 0; n < plan.src.S; ++n) {
    const Index from = n * plan.dst.sample_stride;
    const std::uint8_t* won = winners == nullptr ? nullptr : winners + from;
    if constexpr (std::is_same_v<T, float>) {
      backward_sample(plan, dy + from, won, dx + n * size);
    } else {
      backward_sample(plan, dy + from, won, sums);
      for_vectors(size, [&]<int L>(Index i) {
        Vector<L>::store(dx + n * size + i, Vector<L>::load(sums + i));
      });
    }
  }
}

template <typename T>
constexpr PoolKernels<T> kPoolKernels{forward<T>, backward<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(PoolKernels<T>, kPoolKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
