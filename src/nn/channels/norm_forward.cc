#include <algorithm>
#include <cmath>

#include "nn/channels/norm_loops.h"
#include "nn/kernels/activation_loops.h"

namespace kindred {
namespace {

/// Adds one sample to the sums of d and d * d, d = x - origin: differences from the group's first
/// pixel do not cancel where the mean is far from zero.
template <int L, typename T>
void add_statistics(const ChannelLayout& layout, const T* sample, const float* origin, Index lane,
                    Totals& totals) {
  using V = Vector<L>;
  const auto from = V::load(origin + lane);
  Sums<L> sums;
  Sums<L>::for_pixels(layout.pixels(), [&](Index p, int chain) {
    const auto d = V::load(sample + p * layout.pixel_stride) - from;
    sums.add(chain, d, d * d);
  });
  sums.add_to(totals, lane);
}

template <typename T>
void measure(const NormPlan& plan, Bundle bundle, const T* x, const NormChannels& channels) {
  Totals totals;
  LaneFloats origin;
  for_pieces(plan, bundle, [&]<int L>(const Piece& piece) {
    Vector<L>::store(origin + piece.lane, Vector<L>::load(x + piece.x));
  });
  for_samples(plan, bundle, [&]<int L>(const Piece& piece, Index n) {
    add_statistics<L>(plan.x, x + n * plan.x.sample_stride + piece.x, origin, piece.lane, totals);
  });
  const double N = static_cast<double>(plan.x.S * plan.x.pixels());
  for_channels(plan, bundle, [&](Index c, std::size_t lane) {
    const double mean = totals.first[lane] / N;
    channels.mean[c] = static_cast<float>(static_cast<double>(origin[lane]) + mean);
    channels.variance[c] = static_cast<float>(std::max(0.0, totals.second[lane] / N - mean * mean));
  });
}

/// One sample of one piece.
template <int L, ActivationKind kind, typename T>
void apply_plain(const NormPlan& plan, Index channel, const T* x, Affine<L> affine, T* y, T*) {
  using V = Vector<L>;
  const auto slope = slopes_at<L, kind>(plan.activation, channel);
  const Index step = plan.x.pixel_stride;
  const Index end = plan.x.pixels() * step;
  for (Index at = 0; at < end; at += step) {
    V::store(y + at, activated<L, kind>(affine(V::load(x + at)), slope));
  }
}

template <int L, ActivationKind kind, typename T>
void apply_pooled(const NormPlan& plan, Index, const T* x, Affine<L> affine, T* y, T* selected) {
  using V = Vector<L>;
  const Window window(plan.x);
  const Index width = plan.y.W;
  const Index step = plan.y.pixel_stride;
  for (Index oh = 0; oh < plan.y.H; ++oh) {
    const T* from = x + 2 * oh * window.at[2];
    for (Index to = oh * width * step; to < (oh + 1) * width * step; to += step) {
      auto best_x = V::load(from);
      auto best = affine(best_x);
      for (int i = 1; i < 4; ++i) {
        const auto candidate_x = V::load(from + window.at[i]);
        const auto candidate = affine(candidate_x);
        const auto better = candidate > best;
        best = better ? candidate : best;
        best_x = better ? candidate_x : best_x;
      }
      V::store(y + to, activated<L, kind>(best));
      if (selected != nullptr) V::store(selected + to, best_x);
      from += 2 * window.at[1];
    }
  }
}

template <typename T>
void apply(const NormPlan& plan, Bundle bundle, const T* x, const NormChannels& channels, T* y,
           T* selected) {
  LaneFloats factors;
  norm_factors(plan, channels, bundle, factors);
  for_samples(plan, bundle, [&]<int L>(const Piece& piece, Index n) {
    const Affine<L> affine(channels, piece, factors);
    const Index to = n * plan.y.sample_stride + piece.y;
    const auto run = with_activation(plan.activation, [&]<ActivationKind kind>() {
      if constexpr (is_clip(kind)) {
        if (plan.pool) return apply_pooled<L, kind, T>;
      }
      return apply_plain<L, kind, T>;
    });
    run(plan, piece.channel, x + n * plan.x.sample_stride + piece.x, affine, y + to,
        selected == nullptr ? nullptr : selected + to);
  });
}

}  // namespace

Index norm_parts(const NormPlan& plan) { return bundles_of(plan); }

template <typename T>
void norm_forward(const NormPlan& plan, Index part, const T* x, const NormChannels& channels, T* y,
                  T* selected) {
  const Bundle bundle = bundle_of(plan, part);
  measure(plan, bundle, x, channels);
  apply(plan, bundle, x, channels, y, selected);
}

template <typename T>
void norm_inference(const NormPlan& plan, Index part, const T* x, const NormChannels& channels,
                    T* y) {
  apply(plan, bundle_of(plan, part), x, channels, y, static_cast<T*>(nullptr));
}

#define KINDRED_NORM(T)                                                                      \
  template void norm_forward(const NormPlan&, Index, const T*, const NormChannels&, T*, T*); \
  template void norm_inference(const NormPlan&, Index, const T*, const NormChannels&, T*)
KINDRED_FOR_NUMBERS(KINDRED_NORM);
#undef KINDRED_NORM

}  // namespace kindred
