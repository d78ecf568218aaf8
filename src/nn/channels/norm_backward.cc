#include <cmath>

#include "nn/channels/norm_loops.h"
#include "nn/kernels/activation_loops.h"

namespace kindred {
namespace {

/// The sums over N of each lane: of g and of g (x - mean), g = dy past the activation; and what the
/// slopes of a PReLU get.
struct GradientTotals : Totals {
  double slopes[Bundle::kMost * 16] = {};
};

/// Adds one sample; x is the x that dy belongs to.
template <int L, ActivationKind kind, typename T>
void add_sums(const NormPlan& plan, const Piece& piece, const T* x, Affine<L> affine, const T* dy,
              GradientTotals& totals) {
  using V = Vector<L>;
  const auto slope = slopes_at<L, kind>(plan.activation, piece.channel);
  Sums<L> sums;
  ChainedSum<L> slopes;
  Sums<L>::for_pixels(plan.y.pixels(), [&](Index p, int chain) {
    const Index at = p * plan.y.pixel_stride;
    const auto d = affine.centred(V::load(x + at));
    const auto y = affine.of_centred(d);
    const auto g = activation_gradient<L, kind>(V::load(dy + at), y, slope);
    sums.add(chain, g, g * d);
    if constexpr (kind == ActivationKind::prelu) {
      slopes.add(chain, slope_gradient<L>(V::load(dy + at), y));
    }
  });
  sums.add_to(totals, piece.lane);
  if constexpr (kind == ActivationKind::prelu) slopes.add_to(totals.slopes + piece.lane);
}

/// Of each lane of a bundle: dx = factor * g - constant - (x - mean) * slope, where
/// constant = factor * sum(g) / N, slope = factor * sum(g (x - mean)) / (N (variance + epsilon)).
struct Terms {
  LaneFloats factor;
  LaneFloats constant;
  LaneFloats slope;
};

void finish_sums(const NormPlan& plan, Bundle bundle, const GradientTotals& totals,
                 const NormChannels& channels, const NormGradient& gradient, Terms& terms) {
  const double N = static_cast<double>(plan.x.S * plan.x.pixels());
  for_channels(plan, bundle, [&](Index c, std::size_t lane) {
    const double spread = static_cast<double>(channels.variance[c]) + plan.epsilon;
    const double factor = static_cast<double>(terms.factor[lane]);
    gradient.shift[c] = static_cast<float>(totals.first[lane]);
    if (gradient.slopes != nullptr) {
      gradient.slopes[c] = static_cast<float>(totals.slopes[lane]);
    }
    gradient.scale[c] = static_cast<float>(totals.second[lane] / std::sqrt(spread));
    terms.constant[lane] = static_cast<float>(factor * totals.first[lane] / N);
    terms.slope[lane] = static_cast<float>(factor * totals.second[lane] / (N * spread));
  });
}

template <int L>
struct SrcGradient {
  using V = Vector<L>;
  Affine<L> affine;
  typename V::Float constant, slope;

  SrcGradient(const Affine<L>& map, const Terms& terms, Index lane)
      : affine(map), constant(V::load(terms.constant + lane)), slope(V::load(terms.slope + lane)) {}
  /// d = x - mean
  typename V::Float without_g(typename V::Float d) const { return -constant - d * slope; }
  typename V::Float operator()(typename V::Float d, typename V::Float g) const {
    return affine.factor * g + without_g(d);
  }
};

/// One sample of one piece.
template <int L, ActivationKind kind, typename T>
void propagate(const NormPlan& plan, Index channel, const T* x, SrcGradient<L> gradient,
               const T* dy, T* dx) {
  using V = Vector<L>;
  const auto slope = slopes_at<L, kind>(plan.activation, channel);
  const Affine<L>& affine = gradient.affine;
  const Index step = plan.x.pixel_stride;
  const Index end = plan.x.pixels() * step;
  for (Index at = 0; at < end; at += step) {
    const auto d = affine.centred(V::load(x + at));
    const auto g = activation_gradient<L, kind>(V::load(dy + at), affine.of_centred(d), slope);
    V::store(dx + at, gradient(d, g));
  }
}

template <int L, ActivationKind kind, typename T>
void propagate_pooled(const NormPlan& plan, Index, const T* x, SrcGradient<L> gradient, const T* dy,
                      T* dx) {
  using V = Vector<L>;
  const Affine<L>& affine = gradient.affine;
  const Window window(plan.x);
  const Index width = plan.y.W;
  for (Index oh = 0; oh < plan.y.H; ++oh) {
    Index first = 2 * oh * window.at[2];
    const T* dy_here = dy + oh * width * plan.y.pixel_stride;
    for (Index ow = 0; ow < width; ++ow) {
      typename V::Float d[4];
      typename V::Int better[4];
      d[0] = affine.centred(V::load(x + first));
      auto best = affine.of_centred(d[0]);
      for (int i = 1; i < 4; ++i) {
        d[i] = affine.centred(V::load(x + first + window.at[i]));
        const auto candidate = affine.of_centred(d[i]);
        better[i] = candidate > best;
        best = better[i] ? candidate : best;
      }
      // The last that was better than all before it won.
      auto g = activation_gradient<L, kind>(V::load(dy_here), best);
      for (int i = 3; i > 0; --i) {
        V::store(dx + first + window.at[i], gradient(d[i], V::where(better[i], g)));
        g = V::where_not(better[i], g);
      }
      V::store(dx + first, gradient(d[0], g));
      first += 2 * window.at[1];
      dy_here += plan.y.pixel_stride;
    }
  }
  const Index H = plan.x.H;
  const Index W = plan.x.W;
  const auto outside = [&](Index h, Index w) {
    const Index at = (h * W + w) * plan.x.pixel_stride;
    V::store(dx + at, gradient.without_g(affine.centred(V::load(x + at))));
  };
  for (Index h = 0; W % 2 == 1 && h < H; ++h) outside(h, W - 1);
  for (Index w = 0; H % 2 == 1 && w < W; ++w) outside(H - 1, w);
}

template <ActivationKind kind, typename T>
void backward(const NormPlan& plan, Bundle bundle, const T* x, const T* selected,
              const NormChannels& channels, const T* dy, const NormGradient& gradient, T* dx) {
  GradientTotals totals;
  Terms terms;
  norm_factors(plan, channels, bundle, terms.factor);
  for_samples(plan, bundle, [&]<int L>(const Piece& piece, Index n) {
    const Index at = n * plan.y.sample_stride + piece.y;
    add_sums<L, kind>(plan, piece, (plan.pool ? selected : x) + at,
                      Affine<L>(channels, piece, terms.factor), dy + at, totals);
  });
  finish_sums(plan, bundle, totals, channels, gradient, terms);
  if (dx == nullptr) return;
  for_samples(plan, bundle, [&]<int L>(const Piece& piece, Index n) {
    const SrcGradient<L> of(Affine<L>(channels, piece, terms.factor), terms, piece.lane);
    const Index at = n * plan.x.sample_stride + piece.x;
    auto run = propagate<L, kind, T>;
    if constexpr (is_clip(kind)) {
      if (plan.pool) run = propagate_pooled<L, kind, T>;
    }
    run(plan, piece.channel, x + at, of, dy + n * plan.y.sample_stride + piece.y, dx + at);
  });
}

}  // namespace

template <typename T>
void norm_backward(const NormPlan& plan, Index part, const T* x, const T* selected,
                   const NormChannels& channels, const T* dy, const NormGradient& gradient, T* dx) {
  const auto run =
      with_activation(plan.activation, []<ActivationKind kind>() { return backward<kind, T>; });
  run(plan, bundle_of(plan, part), x, selected, channels, dy, gradient, dx);
}

#define KINDRED_NORM(T)                                                                        \
  template void norm_backward(const NormPlan&, Index, const T*, const T*, const NormChannels&, \
                              const T*, const NormGradient&, T*)
KINDRED_FOR_NUMBERS(KINDRED_NORM);
#undef KINDRED_NORM

}  // namespace kindred
