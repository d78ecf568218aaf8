#include <algorithm>
#include <cmath>

#include "nn/kernels/norm_loops.h"

namespace kindred {
namespace {

/// Adds one sample to the sums of d and d * d, d = x - origin: differences from the group's first
/// pixel do not cancel where the mean is far from zero.
template <int L, typename T>
void add_statistics(const ChannelLayout& layout, const T* sample, const LaneFloats& origin,
                    Totals& totals) {
  using V = Vector<L>;
  const auto from = V::load(origin);
  Sums<L> sums;
  Sums<L>::for_pixels(layout.pixels(), [&](Index p, int chain) {
    const auto d = V::load(sample + p * layout.pixel_stride) - from;
    sums.add(chain, d, d * d);
  });
  sums.add_to(totals);
}

void write_statistics(const NormPlan& plan, const ChannelGroup& group, const LaneFloats& origin,
                      const Totals& totals, const NormChannels& channels) {
  const double N = static_cast<double>(plan.x.S * plan.x.pixels());
  for (int l = 0; l < group.lanes; ++l) {
    const double mean = totals.first[l] / N;
    channels.mean[group.channel + l] = static_cast<float>(static_cast<double>(origin[l]) + mean);
    channels.variance[group.channel + l] =
        static_cast<float>(std::max(0.0, totals.second[l] / N - mean * mean));
  }
}

template <typename T>
void measure(const NormPlan& plan, Bundle bundle, const T* x, const NormChannels& channels) {
  Totals totals[Bundle::kMost];
  LaneFloats origin[Bundle::kMost];
  const auto& groups = plan.x.groups;
  for_groups(plan, bundle, [&]<int L>(std::size_t i) {
    Vector<L>::store(origin[i - bundle.first], Vector<L>::load(x + groups[i].offset));
  });
  for_samples(plan, bundle, [&]<int L>(std::size_t i, Index n) {
    add_statistics<L>(plan.x, x + n * plan.x.sample_stride + groups[i].offset,
                      origin[i - bundle.first], totals[i - bundle.first]);
  });
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    write_statistics(plan, groups[i], origin[i - bundle.first], totals[i - bundle.first], channels);
  }
}

template <int L, bool kRelu>
inline typename Vector<L>::Float rectified(typename Vector<L>::Float y) {
  if constexpr (kRelu) return relu<L>(y);
  return y;
}

/// One sample of one group.
template <int L, bool kRelu, typename T>
void apply_plain(const NormPlan& plan, const T* x, const Affine<L>& affine, T* y, T*) {
  using V = Vector<L>;
  for (Index p = 0; p < plan.x.pixels(); ++p) {
    const Index at = p * plan.x.pixel_stride;
    V::store(y + at, rectified<L, kRelu>(affine(V::load(x + at))));
  }
}

template <int L, bool kRelu, typename T>
void apply_pooled(const NormPlan& plan, const T* x, const Affine<L>& affine, T* y, T* selected) {
  using V = Vector<L>;
  for (Index oh = 0; oh < plan.y.H; ++oh) {
    for (Index ow = 0; ow < plan.y.W; ++ow) {
      const Window window(plan, oh, ow);
      auto best_x = V::load(x + window.at[0]);
      auto best = affine(best_x);
      for (int i = 1; i < 4; ++i) {
        const auto candidate_x = V::load(x + window.at[i]);
        const auto candidate = affine(candidate_x);
        const auto better = candidate > best;
        best = better ? candidate : best;
        best_x = better ? candidate_x : best_x;
      }
      const Index at = (oh * plan.y.W + ow) * plan.y.pixel_stride;
      V::store(y + at, rectified<L, kRelu>(best));
      if (selected != nullptr) V::store(selected + at, best_x);
    }
  }
}

template <typename T>
void apply(const NormPlan& plan, Bundle bundle, const T* x, const NormChannels& channels, T* y,
           T* selected) {
  LaneFloats factors[Bundle::kMost];
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    norm_factors(plan, channels, plan.x.groups[i], factors[i - bundle.first]);
  }
  for_samples(plan, bundle, [&]<int L>(std::size_t i, Index n) {
    const ChannelGroup& group = plan.x.groups[i];
    const Affine<L> affine(channels, group, factors[i - bundle.first]);
    const Index to = n * plan.y.sample_stride + plan.y.groups[i].offset;
    const auto run = plan.pool ? (plan.relu ? apply_pooled<L, true, T> : apply_pooled<L, false, T>)
                               : (plan.relu ? apply_plain<L, true, T> : apply_plain<L, false, T>);
    run(plan, x + n * plan.x.sample_stride + group.offset, affine, y + to,
        selected == nullptr ? nullptr : selected + to);
  });
}

}  // namespace

Index norm_parts(const NormPlan& plan) {
  return blocks_of(static_cast<Index>(plan.x.groups.size()), bundle_size(plan));
}

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

template void norm_forward(const NormPlan&, Index, const float*, const NormChannels&, float*,
                           float*);
template void norm_forward(const NormPlan&, Index, const Bfloat16*, const NormChannels&, Bfloat16*,
                           Bfloat16*);
template void norm_inference(const NormPlan&, Index, const float*, const NormChannels&, float*);
template void norm_inference(const NormPlan&, Index, const Bfloat16*, const NormChannels&,
                             Bfloat16*);

}  // namespace kindred
