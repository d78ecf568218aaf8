#pragma once
// Loops over channels that lie side by side in memory, of a plan: anything with a layout `x`, and
// `y` where dst has another, of the same channel groups.
#include <algorithm>

#include "nn/kernels/channel_layout.h"
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

template <typename Plan>
Index bundle_size(const Plan& plan) {
  const bool channels_last = plan.x.pixel_stride == plan.x.C && plan.x.groups.size() > 1;
  return channels_last ? static_cast<Index>(Bundle::kMost) : 1;
}

/// How many there are: independent pieces of work.
template <typename Plan>
Index bundles_of(const Plan& plan) {
  return blocks_of(static_cast<Index>(plan.x.groups.size()), bundle_size(plan));
}

template <typename Plan>
Bundle bundle_of(const Plan& plan, Index part) {
  const Index size = bundle_size(plan);
  const Index first = part * size;
  const Index groups = static_cast<Index>(plan.x.groups.size());
  return {static_cast<std::size_t>(first),
          static_cast<std::size_t>(std::min(first + size, groups))};
}

template <typename Plan>
Bundle all_groups(const Plan& plan) {
  return {0, plan.x.groups.size()};
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

/// The layout of dst.
template <typename Plan>
const ChannelLayout& dst_layout(const Plan& plan) {
  if constexpr (requires { plan.y; }) {
    return plan.y;
  } else {
    return plan.x;
  }
}

/// body.operator()<L>(piece) for each piece of a bundle, with its number of lanes as a constant.
template <typename Plan, typename F>
void for_pieces(const Plan& plan, Bundle bundle, F&& body) {
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    const ChannelGroup& group = plan.x.groups[i];
    const Index lane = static_cast<Index>(i - bundle.first) * 16;
    for_registers(group.lanes, [&]<int L>(Index l) {
      body.template operator()<L>(Piece{group.channel + l, group.offset + l,
                                        dst_layout(plan).groups[i].offset + l, lane + l});
    });
  }
}
/// body.operator()<L>(piece, n) for each sample n, and within it for each piece.
template <typename Plan, typename F>
void for_samples(const Plan& plan, Bundle bundle, F&& body) {
  for (Index n = 0; n < plan.x.S; ++n) {
    for_pieces(plan, bundle,
               [&]<int L>(const Piece& piece) { body.template operator()<L>(piece, n); });
  }
}
/// body(channel, lane among those of the bundle) for each channel of a bundle.
template <typename Plan, typename F>
void for_channels(const Plan& plan, Bundle bundle, F&& body) {
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    const ChannelGroup& group = plan.x.groups[i];
    const std::size_t lane = (i - bundle.first) * 16;
    for (int l = 0; l < group.lanes; ++l) {
      body(group.channel + l, lane + static_cast<std::size_t>(l));
    }
  }
}

/// A sum of one sample in several chains, so that an addition does not wait for the last.
template <int L>
struct ChainedSum {
  using V = Vector<L>;
  static constexpr int kChains = 4;
  typename V::Float chains[kChains] = {};

  void add(int chain, typename V::Float term) { chains[chain] += term; }
  typename V::Float total() const { return (chains[0] + chains[1]) + (chains[2] + chains[3]); }
  /// Lane by lane.
  void add_to(double* totals) const {
    float sums[L];
    V::store(sums, total());
    for (int l = 0; l < L; ++l) totals[l] += static_cast<double>(sums[l]);
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

/// Two of them.
template <int L>
struct Sums {
  using V = Vector<L>;
  ChainedSum<L> first;
  ChainedSum<L> second;

  void add(int chain, typename V::Float a, typename V::Float b) {
    first.add(chain, a);
    second.add(chain, b);
  }
  void add_to(Totals& totals, Index lane) const {
    first.add_to(totals.first + lane);
    second.add_to(totals.second + lane);
  }
  template <typename F>
  static void for_pixels(Index pixels, F&& body) {
    ChainedSum<L>::for_pixels(pixels, body);
  }
};

}  // namespace kindred
