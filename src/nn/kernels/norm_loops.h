#pragma once
// What the loops of norm_forward.cc and norm_backward.cc are made of.
#include <algorithm>
#include <cmath>

#include "nn/kernels/norm_kernels.h"
#include "nn/kernels/vector.h"

namespace kindred {

/// Channel groups [first, last) of a plan that are worked on together, sample by sample. Groups of
/// one channels-last pixel share cache lines: a tensor that does not stay in cache is read once for
/// all of them (kMost bounds what lies on the stack); in other layouts each is on its own.
struct Bundle {
  static constexpr std::size_t kMost = 8;
  std::size_t first = 0;
  std::size_t last = 0;
};

inline Index bundle_size(const NormPlan& plan) {
  const bool channels_last = plan.x.pixel_stride == plan.x.C && plan.x.groups.size() > 1;
  return channels_last ? static_cast<Index>(Bundle::kMost) : 1;
}

inline Bundle bundle_of(const NormPlan& plan, Index part) {
  const Index size = bundle_size(plan);
  const Index first = part * size;
  const Index groups = static_cast<Index>(plan.x.groups.size());
  return {static_cast<std::size_t>(first),
          static_cast<std::size_t>(std::min(first + size, groups))};
}

/// body.operator()<L>(i) for each group i, with its number of lanes as a constant.
template <typename F>
void for_groups(const NormPlan& plan, Bundle bundle, F&& body) {
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    with_lanes(plan.x.groups[i].lanes, [&]<int L>() { body.template operator()<L>(i); });
  }
}
/// body.operator()<L>(i, n) for each sample n, and within it for each group i.
template <typename F>
void for_samples(const NormPlan& plan, Bundle bundle, F&& body) {
  for (Index n = 0; n < plan.x.S; ++n) {
    for_groups(plan, bundle, [&]<int L>(std::size_t i) { body.template operator()<L>(i, n); });
  }
}

/// One number for each lane of a group.
using LaneFloats = float[16];

/// The two sums of one group over N: float within a sample, double across samples.
struct Totals {
  double first[16] = {};
  double second[16] = {};
};

/// Adds up one sample in several chains, so that an addition does not wait for the last.
template <int L>
struct Sums {
  using V = Vector<L>;
  static constexpr int kChains = 4;
  typename V::Float first[kChains] = {};
  typename V::Float second[kChains] = {};

  void add(int chain, typename V::Float a, typename V::Float b) {
    first[chain] += a;
    second[chain] += b;
  }
  void add_to(Totals& totals) const {
    const typename V::Float a = (first[0] + first[1]) + (first[2] + first[3]);
    const typename V::Float b = (second[0] + second[1]) + (second[2] + second[3]);
    for (int l = 0; l < L; ++l) {
      totals.first[l] += static_cast<double>(a[l]);
      totals.second[l] += static_cast<double>(b[l]);
    }
  }
  /// body(pixel, chain) for every pixel of a sample.
  template <typename F>
  static void for_pixels(Index pixels, F&& body) {
    Index p = 0;
    for (; p + kChains <= pixels; p += kChains) {
      for (int c = 0; c < kChains; ++c) body(p + c, c);
    }
    for (int c = 0; p < pixels; ++p, ++c) body(p, c);
  }
};

/// scale / sqrt(variance + epsilon) of each lane of a group.
inline void norm_factors(const NormPlan& plan, const NormChannels& channels,
                         const ChannelGroup& group, LaneFloats& factors) {
  for (int l = 0; l < group.lanes; ++l) {
    const Index c = group.channel + l;
    factors[l] =
        static_cast<float>(static_cast<double>(channels.scale[c]) /
                           std::sqrt(static_cast<double>(channels.variance[c]) + plan.epsilon));
  }
}

/// The affine map of one channel group: y = (x - mean) * factor + shift.
template <int L>
struct Affine {
  using V = Vector<L>;
  typename V::Float mean, factor, shift;

  Affine(const NormChannels& channels, const ChannelGroup& group, const LaneFloats& factors)
      : mean(V::load(channels.mean + group.channel)),
        factor(V::load(factors)),
        shift(V::load(channels.shift + group.channel)) {}
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

}  // namespace kindred
