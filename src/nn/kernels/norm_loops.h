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

/// What one register holds of a channel group.
struct Piece {
  Index channel;  ///< of its first lane
  Index x;        ///< numbers from the start of a sample of x, and of y, to its first pixel
  Index y;
  Index lane;  ///< its first lane among those of the bundle
};

/// One number for each lane of a bundle, 16 of them to a group.
using LaneFloats = float[Bundle::kMost * 16];

/// The two sums of each lane over N: float within a sample, double across samples.
struct Totals {
  double first[Bundle::kMost * 16] = {};
  double second[Bundle::kMost * 16] = {};
};

/// body.operator()<L>(piece) for each piece of a bundle, with its number of lanes as a constant.
template <typename F>
void for_pieces(const NormPlan& plan, Bundle bundle, F&& body) {
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    const ChannelGroup& group = plan.x.groups[i];
    const Index lane = static_cast<Index>(i - bundle.first) * 16;
    for_registers(group.lanes, [&]<int L>(Index l) {
      body.template operator()<L>(
          Piece{group.channel + l, group.offset + l, plan.y.groups[i].offset + l, lane + l});
    });
  }
}
/// body.operator()<L>(piece, n) for each sample n, and within it for each piece.
template <typename F>
void for_samples(const NormPlan& plan, Bundle bundle, F&& body) {
  for (Index n = 0; n < plan.x.S; ++n) {
    for_pieces(plan, bundle,
               [&]<int L>(const Piece& piece) { body.template operator()<L>(piece, n); });
  }
}
/// body(channel, lane among those of the bundle) for each channel of a bundle.
template <typename F>
void for_channels(const NormPlan& plan, Bundle bundle, F&& body) {
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    const ChannelGroup& group = plan.x.groups[i];
    const std::size_t lane = (i - bundle.first) * 16;
    for (int l = 0; l < group.lanes; ++l) {
      body(group.channel + l, lane + static_cast<std::size_t>(l));
    }
  }
}

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
  void add_to(Totals& totals, Index lane) const {
    float a[L];
    float b[L];
    V::store(a, (first[0] + first[1]) + (first[2] + first[3]));
    V::store(b, (second[0] + second[1]) + (second[2] + second[3]));
    for (int l = 0; l < L; ++l) {
      totals.first[lane + l] += static_cast<double>(a[l]);
      totals.second[lane + l] += static_cast<double>(b[l]);
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

/// scale / sqrt(variance + epsilon) of each lane of a bundle.
inline void norm_factors(const NormPlan& plan, const NormChannels& channels, Bundle bundle,
                         LaneFloats& factors) {
  for_channels(plan, bundle, [&](Index c, std::size_t lane) {
    factors[lane] =
        static_cast<float>(static_cast<double>(channels.scale[c]) /
                           std::sqrt(static_cast<double>(channels.variance[c]) + plan.epsilon));
  });
}

/// The affine map of one piece: y = (x - mean) * factor + shift.
template <int L>
struct Affine {
  using V = Vector<L>;
  typename V::Float mean, factor, shift;

  Affine(const NormChannels& channels, const Piece& piece, const LaneFloats& factors)
      : mean(V::load(channels.mean + piece.channel)),
        factor(V::load(factors + piece.lane)),
        shift(V::load(channels.shift + piece.channel)) {}
  typename V::Float centred(typename V::Float x) const { return x - mean; }
  typename V::Float of_centred(typename V::Float x) const { return x * factor + shift; }
  typename V::Float operator()(typename V::Float x) const { return of_centred(centred(x)); }
};

/// The four pixels of a pooling window from its first one on, in the order that decides between
/// equals.
struct Window {
  Index at[4];
  explicit Window(const ChannelLayout& x)
      : at{0, x.pixel_stride, x.W * x.pixel_stride, (x.W + 1) * x.pixel_stride} {}
};

/// The functions of NormKernels.
Index norm_parts(const NormPlan& plan);
template <typename T>
void norm_forward(const NormPlan& plan, Index part, const T* x, const NormChannels& channels, T* y,
                  T* selected);
template <typename T>
void norm_backward(const NormPlan& plan, Index part, const T* x, const T* selected,
                   const NormChannels& channels, const T* dy, float* dscale, float* dshift, T* dx);
template <typename T>
void norm_inference(const NormPlan& plan, Index part, const T* x, const NormChannels& channels,
                    T* y);

}  // namespace kindred
