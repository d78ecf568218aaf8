#include <cmath>

#include "nn/kernels/norm_loops.h"

namespace kindred {
namespace {

/// dy where the ReLU let y through, else 0.
template <int L, bool kRelu>
inline typename Vector<L>::Float passed(typename Vector<L>::Float dy, typename Vector<L>::Float y) {
  if constexpr (kRelu) return passed_relu<L>(dy, y);
  return dy;
}

/// Adds one sample to the sums of g and of g (x - mean), g = dy past the ReLU; x is the x that dy
/// belongs to.
template <int L, bool kRelu, typename T>
void add_sums(const ChannelLayout& layout, const T* x, const Affine<L>& affine, const T* dy,
              Totals& totals) {
  using V = Vector<L>;
  Sums<L> sums;
  Sums<L>::for_pixels(layout.pixels(), [&](Index p, int chain) {
    const Index at = p * layout.pixel_stride;
    const auto value = V::load(x + at);
    const auto g = passed<L, kRelu>(V::load(dy + at), affine(value));
    sums.add(chain, g, g * (value - affine.mean));
  });
  sums.add_to(totals);
}

/// Of each lane of a group: dx = factor * g - constant - (x - mean) * slope, where
/// constant = factor * sum(g) / N, slope = factor * sum(g (x - mean)) / (N (variance + epsilon)).
struct Terms {
  LaneFloats factor;
  LaneFloats constant;
  LaneFloats slope;
};

void finish_sums(const NormPlan& plan, const ChannelGroup& group, const Totals& totals,
                 const NormChannels& channels, float* dscale, float* dshift, Terms& terms) {
  const double N = static_cast<double>(plan.x.S * plan.x.pixels());
  for (int l = 0; l < group.lanes; ++l) {
    const Index c = group.channel + l;
    const double spread = static_cast<double>(channels.variance[c]) + plan.epsilon;
    const double factor = static_cast<double>(terms.factor[l]);
    dshift[c] = static_cast<float>(totals.first[l]);
    dscale[c] = static_cast<float>(totals.second[l] / std::sqrt(spread));
    terms.constant[l] = static_cast<float>(factor * totals.first[l] / N);
    terms.slope[l] = static_cast<float>(factor * totals.second[l] / (N * spread));
  }
}

template <int L>
struct Gradient {
  using V = Vector<L>;
  typename V::Float mean, factor, constant, slope;

  Gradient(const Affine<L>& affine, const Terms& terms)
      : mean(affine.mean),
        factor(affine.factor),
        constant(V::load(terms.constant)),
        slope(V::load(terms.slope)) {}
  typename V::Float without_g(typename V::Float x) const { return -constant - (x - mean) * slope; }
  typename V::Float operator()(typename V::Float x, typename V::Float g) const {
    return factor * g + without_g(x);
  }
};

/// One sample of one group.
template <int L, bool kRelu, typename T>
void propagate(const NormPlan& plan, const T* x, const Affine<L>& affine,
               const Gradient<L>& gradient, const T* dy, T* dx) {
  using V = Vector<L>;
  for (Index p = 0; p < plan.x.pixels(); ++p) {
    const Index at = p * plan.x.pixel_stride;
    const auto value = V::load(x + at);
    const auto g = passed<L, kRelu>(V::load(dy + at), affine(value));
    V::store(dx + at, gradient(value, g));
  }
}

template <int L, bool kRelu, typename T>
void propagate_pooled(const NormPlan& plan, const T* x, const Affine<L>& affine,
                      const Gradient<L>& gradient, const T* dy, T* dx) {
  using V = Vector<L>;
  for (Index oh = 0; oh < plan.y.H; ++oh) {
    for (Index ow = 0; ow < plan.y.W; ++ow) {
      const Window window(plan, oh, ow);
      typename V::Float value[4];
      value[0] = V::load(x + window.at[0]);
      auto best = affine(value[0]);
      typename V::Int winner{};
      for (int i = 1; i < 4; ++i) {
        value[i] = V::load(x + window.at[i]);
        const auto candidate = affine(value[i]);
        const auto better = candidate > best;
        best = better ? candidate : best;
        winner = better ? typename V::Int{} + i : winner;
      }
      const auto dy_here = V::load(dy + (oh * plan.y.W + ow) * plan.y.pixel_stride);
      const auto g = passed<L, kRelu>(dy_here, best);
      const typename V::Float zero{};
      for (int i = 0; i < 4; ++i) {
        const auto mine = winner == typename V::Int{} + i;
        V::store(dx + window.at[i], gradient(value[i], mine ? g : zero));
      }
    }
  }
  const Index H = plan.x.H;
  const Index W = plan.x.W;
  const auto outside = [&](Index h, Index w) {
    const Index at = (h * W + w) * plan.x.pixel_stride;
    V::store(dx + at, gradient.without_g(V::load(x + at)));
  };
  for (Index h = 0; W % 2 == 1 && h < H; ++h) outside(h, W - 1);
  for (Index w = 0; H % 2 == 1 && w < W; ++w) outside(H - 1, w);
}

template <bool kRelu, typename T>
void backward(const NormPlan& plan, Bundle bundle, const T* x, const T* selected,
              const NormChannels& channels, const T* dy, float* dscale, float* dshift, T* dx) {
  Totals totals[Bundle::kMost];
  Terms terms[Bundle::kMost];
  const auto& groups = plan.x.groups;
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    norm_factors(plan, channels, groups[i], terms[i - bundle.first].factor);
  }
  const auto affine_of = [&]<int L>(std::size_t i) {
    return Affine<L>(channels, groups[i], terms[i - bundle.first].factor);
  };
  for_samples(plan, bundle, [&]<int L>(std::size_t i, Index n) {
    const Index at = n * plan.y.sample_stride + plan.y.groups[i].offset;
    add_sums<L, kRelu>(plan.y, (plan.pool ? selected : x) + at, affine_of.template operator()<L>(i),
                       dy + at, totals[i - bundle.first]);
  });
  for (std::size_t i = bundle.first; i < bundle.last; ++i) {
    finish_sums(plan, groups[i], totals[i - bundle.first], channels, dscale, dshift,
                terms[i - bundle.first]);
  }
  if (dx == nullptr) return;
  for_samples(plan, bundle, [&]<int L>(std::size_t i, Index n) {
    const Affine<L> affine = affine_of.template operator()<L>(i);
    const Gradient<L> gradient(affine, terms[i - bundle.first]);
    const Index at = n * plan.x.sample_stride + groups[i].offset;
    const auto run = plan.pool ? propagate_pooled<L, kRelu, T> : propagate<L, kRelu, T>;
    run(plan, x + at, affine, gradient, dy + n * plan.y.sample_stride + plan.y.groups[i].offset,
        dx + at);
  });
}

}  // namespace

template <typename T>
void norm_backward(const NormPlan& plan, Index part, const T* x, const T* selected,
                   const NormChannels& channels, const T* dy, float* dscale, float* dshift, T* dx) {
  const auto run = plan.relu ? backward<true, T> : backward<false, T>;
  run(plan, bundle_of(plan, part), x, selected, channels, dy, dscale, dshift, dx);
}

template void norm_backward(const NormPlan&, Index, const float*, const float*, const NormChannels&,
                            const float*, float*, float*, float*);
template void norm_backward(const NormPlan&, Index, const Bfloat16*, const Bfloat16*,
                            const NormChannels&, const Bfloat16*, float*, float*, Bfloat16*);

}  // namespace kindred
