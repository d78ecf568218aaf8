#include "nn/norm_kernels.h"

#include <algorithm>
#include <cmath>

#include "nn/vector.h"

namespace kindred {
namespace {

constexpr int kChains = 4;  // independent sums, so that an addition does not wait for the last

/// Sums of one channel group: float within a sample's chunk, double across chunks.
template <int L>
struct Sums {
  using V = Vector<L>;
  typename V::Float first[kChains] = {};
  typename V::Float second[kChains] = {};
  double total_first[L] = {};
  double total_second[L] = {};

  void add(int chain, typename V::Float a, typename V::Float b) {
    first[chain] += a;
    second[chain] += b;
  }
  void end_chunk() {
    const typename V::Float a = (first[0] + first[1]) + (first[2] + first[3]);
    const typename V::Float b = (second[0] + second[1]) + (second[2] + second[3]);
    for (int l = 0; l < L; ++l) {
      total_first[l] += static_cast<double>(a[l]);
      total_second[l] += static_cast<double>(b[l]);
    }
    for (int c = 0; c < kChains; ++c) first[c] = second[c] = typename V::Float{};
  }
};

/// body(pixel, chain) for every pixel of a sample.
template <typename F>
inline void for_pixels(Index pixels, F&& body) {
  Index p = 0;
  for (; p + kChains <= pixels; p += kChains) {
    for (int c = 0; c < kChains; ++c) body(p + c, c);
  }
  for (int c = 0; p < pixels; ++p, ++c) body(p, c);
}

/// The affine map of one channel group: y = (x - mean) * factor + shift.
template <int L>
struct Affine {
  using V = Vector<L>;
  typename V::Float mean, factor, shift;

  Affine(const NormPlan& plan, const NormChannels& channels, Index channel) {
    for (int l = 0; l < L; ++l) {
      const Index c = channel + l;
      mean[l] = channels.mean[c];
      factor[l] =
          static_cast<float>(static_cast<double>(channels.scale[c]) /
                             std::sqrt(static_cast<double>(channels.variance[c]) + plan.epsilon));
      shift[l] = channels.shift[c];
    }
  }
  typename V::Float operator()(typename V::Float x) const { return (x - mean) * factor + shift; }
};

/// The four pixels of a pooling window, in the order that decides between equals.
struct Window {
  Index at[4];
  Window(const NormPlan& plan, Index oh, Index ow) {
    const Index first = 2 * oh * plan.x.W + 2 * ow;
    at[0] = first;
    at[1] = first + 1;
    at[2] = first + plan.x.W;
    at[3] = first + plan.x.W + 1;
    for (Index& p : at) p *= plan.x.pixel_stride;
  }
};

template <int L>
void statistics(const NormPlan& plan, const float* x, Index channel, const NormChannels& channels) {
  using V = Vector<L>;
  const ChannelLayout& layout = plan.x;
  // Sums of differences from the first pixel: no cancellation where the mean is far from zero.
  const auto origin = V::load(x);
  Sums<L> sums;
  for (Index n = 0; n < layout.S; ++n) {
    const float* chunk = x + n * layout.sample_stride;
    for_pixels(layout.pixels(), [&](Index p, int chain) {
      const auto d = V::load(chunk + p * layout.pixel_stride) - origin;
      sums.add(chain, d, d * d);
    });
    sums.end_chunk();
  }
  const double N = static_cast<double>(layout.S * layout.pixels());
  for (int l = 0; l < L; ++l) {
    const double mean = sums.total_first[l] / N;
    channels.mean[channel + l] = static_cast<float>(static_cast<double>(origin[l]) + mean);
    channels.variance[channel + l] =
        static_cast<float>(std::max(0.0, sums.total_second[l] / N - mean * mean));
  }
}

template <int L, bool kRelu>
inline typename Vector<L>::Float rectified(typename Vector<L>::Float y) {
  if constexpr (!kRelu) return y;
  const typename Vector<L>::Float zero{};
  return y < zero ? zero : y;  // NaN stays NaN
}

template <int L, bool kRelu>
void apply(const NormPlan& plan, const float* x, const Affine<L>& affine, float* y) {
  using V = Vector<L>;
  const Index stride = plan.x.pixel_stride;
  for (Index n = 0; n < plan.x.S; ++n) {
    const float* from = x + n * plan.x.sample_stride;
    float* to = y + n * plan.y.sample_stride;
    for (Index p = 0; p < plan.x.pixels(); ++p) {
      V::store(to + p * stride, rectified<L, kRelu>(affine(V::load(from + p * stride))));
    }
  }
}

template <int L, bool kRelu>
void apply_pooled(const NormPlan& plan, const float* x, const Affine<L>& affine, float* y,
                  float* selected) {
  using V = Vector<L>;
  for (Index n = 0; n < plan.x.S; ++n) {
    const float* from = x + n * plan.x.sample_stride;
    const Index base = n * plan.y.sample_stride;
    for (Index oh = 0; oh < plan.y.H; ++oh) {
      for (Index ow = 0; ow < plan.y.W; ++ow) {
        const Window window(plan, oh, ow);
        auto best_x = V::load(from + window.at[0]);
        auto best = affine(best_x);
        for (int i = 1; i < 4; ++i) {
          const auto candidate_x = V::load(from + window.at[i]);
          const auto candidate = affine(candidate_x);
          const auto better = candidate > best;
          best = better ? candidate : best;
          best_x = better ? candidate_x : best_x;
        }
        const Index at = base + (oh * plan.y.W + ow) * plan.y.pixel_stride;
        V::store(y + at, rectified<L, kRelu>(best));
        if (selected != nullptr) V::store(selected + at, best_x);
      }
    }
  }
}

/// dy where the ReLU let y through, else 0.
template <int L, bool kRelu>
inline typename Vector<L>::Float passed(typename Vector<L>::Float dy, typename Vector<L>::Float y) {
  if constexpr (!kRelu) return dy;
  const typename Vector<L>::Float zero{};
  return y <= zero ? zero : dy;
}

/// Sums over N of g and of g (x - mean), g = dy past the ReLU; x is the x that dy belongs to.
template <int L, bool kRelu>
void backward_sums(const ChannelLayout& layout, const float* x, const Affine<L>& affine,
                   const float* dy, Sums<L>& sums) {
  using V = Vector<L>;
  for (Index n = 0; n < layout.S; ++n) {
    const Index base = n * layout.sample_stride;
    for_pixels(layout.pixels(), [&](Index p, int chain) {
      const Index at = base + p * layout.pixel_stride;
      const auto value = V::load(x + at);
      const auto g = passed<L, kRelu>(V::load(dy + at), affine(value));
      sums.add(chain, g, g * (value - affine.mean));
    });
    sums.end_chunk();
  }
}

/// dx = factor * (g - sum(g) / N - (x - mean) / (variance + epsilon) * sum(g (x - mean)) / N)
template <int L>
struct Gradient {
  using V = Vector<L>;
  typename V::Float mean, factor, constant, slope;

  typename V::Float without_g(typename V::Float x) const { return -constant - (x - mean) * slope; }
  typename V::Float operator()(typename V::Float x, typename V::Float g) const {
    return factor * g + without_g(x);
  }
};

template <int L, bool kRelu>
void backward_data(const NormPlan& plan, const float* x, const Affine<L>& affine,
                   const Gradient<L>& gradient, const float* dy, float* dx) {
  using V = Vector<L>;
  for (Index n = 0; n < plan.x.S; ++n) {
    const Index base = n * plan.x.sample_stride;
    for (Index p = 0; p < plan.x.pixels(); ++p) {
      const Index at = base + p * plan.x.pixel_stride;
      const auto value = V::load(x + at);
      const auto g = passed<L, kRelu>(V::load(dy + at), affine(value));
      V::store(dx + at, gradient(value, g));
    }
  }
}

template <int L, bool kRelu>
void backward_data_pooled(const NormPlan& plan, const float* x, const Affine<L>& affine,
                          const Gradient<L>& gradient, const float* dy, float* dx) {
  using V = Vector<L>;
  const Index H = plan.x.H;
  const Index W = plan.x.W;
  const Index stride = plan.x.pixel_stride;
  for (Index n = 0; n < plan.x.S; ++n) {
    const float* from = x + n * plan.x.sample_stride;
    float* to = dx + n * plan.x.sample_stride;
    const float* dy_sample = dy + n * plan.y.sample_stride;
    for (Index oh = 0; oh < plan.y.H; ++oh) {
      for (Index ow = 0; ow < plan.y.W; ++ow) {
        const Window window(plan, oh, ow);
        typename V::Float value[4];
        value[0] = V::load(from + window.at[0]);
        auto best = affine(value[0]);
        typename V::Int winner{};
        for (int i = 1; i < 4; ++i) {
          value[i] = V::load(from + window.at[i]);
          const auto candidate = affine(value[i]);
          const auto better = candidate > best;
          best = better ? candidate : best;
          winner = better ? typename V::Int{} + i : winner;
        }
        const auto dy_here = V::load(dy_sample + (oh * plan.y.W + ow) * plan.y.pixel_stride);
        const auto g = passed<L, kRelu>(dy_here, best);
        const typename V::Float zero{};
        for (int i = 0; i < 4; ++i) {
          const auto mine = winner == typename V::Int{} + i;
          V::store(to + window.at[i], gradient(value[i], mine ? g : zero));
        }
      }
    }
    const auto outside = [&](Index h, Index w) {
      const Index at = (h * W + w) * stride;
      V::store(to + at, gradient.without_g(V::load(from + at)));
    };
    for (Index h = 0; W % 2 == 1 && h < H; ++h) outside(h, W - 1);
    for (Index w = 0; H % 2 == 1 && w < W; ++w) outside(H - 1, w);
  }
}

template <int L, bool kRelu>
void backward_group(const NormPlan& plan, const float* x, const float* selected,
                    const NormChannels& channels, Index channel, const float* dy, float* dscale,
                    float* dshift, float* dx) {
  const Affine<L> affine(plan, channels, channel);
  Sums<L> sums;
  backward_sums<L, kRelu>(plan.y, plan.pool ? selected : x, affine, dy, sums);
  Gradient<L> gradient;
  gradient.mean = affine.mean;
  gradient.factor = affine.factor;
  const double N = static_cast<double>(plan.x.S * plan.x.pixels());
  for (int l = 0; l < L; ++l) {
    const double spread = static_cast<double>(channels.variance[channel + l]) + plan.epsilon;
    const double factor = static_cast<double>(affine.factor[l]);
    dshift[channel + l] = static_cast<float>(sums.total_first[l]);
    dscale[channel + l] = static_cast<float>(sums.total_second[l] / std::sqrt(spread));
    gradient.constant[l] = static_cast<float>(factor * sums.total_first[l] / N);
    gradient.slope[l] = static_cast<float>(factor * sums.total_second[l] / (N * spread));
  }
  if (dx == nullptr) return;
  if (plan.pool) {
    backward_data_pooled<L, kRelu>(plan, x, affine, gradient, dy, dx);
  } else {
    backward_data<L, kRelu>(plan, x, affine, gradient, dy, dx);
  }
}

template <int L>
void apply_group(const NormPlan& plan, const float* x, const NormChannels& channels, Index channel,
                 float* y, float* selected) {
  const Affine<L> affine(plan, channels, channel);
  if (plan.pool) {
    plan.relu ? apply_pooled<L, true>(plan, x, affine, y, selected)
              : apply_pooled<L, false>(plan, x, affine, y, selected);
  } else {
    plan.relu ? apply<L, true>(plan, x, affine, y) : apply<L, false>(plan, x, affine, y);
  }
}

/// body.operator()<L>(i): group i of the plan, with its number of lanes as a constant.
template <typename F>
void for_groups(const NormPlan& plan, F&& body) {
  for (std::size_t i = 0; i < plan.x.groups.size(); ++i) {
    with_lanes(plan.x.groups[i].lanes, [&]<int L>() { body.template operator()<L>(i); });
  }
}

}  // namespace

void norm_forward(const NormPlan& plan, const float* x, const NormChannels& channels, float* y,
                  float* selected) {
  for_groups(plan, [&]<int L>(std::size_t i) {
    const ChannelGroup& from = plan.x.groups[i];
    const Index to = plan.y.groups[i].offset;
    statistics<L>(plan, x + from.offset, from.channel, channels);
    apply_group<L>(plan, x + from.offset, channels, from.channel, y + to,
                   selected == nullptr ? nullptr : selected + to);
  });
}

void norm_backward(const NormPlan& plan, const float* x, const float* selected,
                   const NormChannels& channels, const float* dy, float* dscale, float* dshift,
                   float* dx) {
  for_groups(plan, [&]<int L>(std::size_t i) {
    const ChannelGroup& from = plan.x.groups[i];
    const Index to = plan.y.groups[i].offset;
    const auto run = plan.relu ? backward_group<L, true> : backward_group<L, false>;
    run(plan, x + from.offset, selected == nullptr ? nullptr : selected + to, channels,
        from.channel, dy + to, dscale, dshift, dx == nullptr ? nullptr : dx + from.offset);
  });
}

void norm_inference(const NormPlan& plan, const float* x, const NormChannels& channels, float* y) {
  for_groups(plan, [&]<int L>(std::size_t i) {
    const ChannelGroup& from = plan.x.groups[i];
    apply_group<L>(plan, x + from.offset, channels, from.channel, y + plan.y.groups[i].offset,
                   nullptr);
  });
}

}  // namespace kindred
