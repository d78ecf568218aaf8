#pragma once
// What the loops of norm_forward.cc and norm_backward.cc are made of.
#include <cmath>

#include "nn/channels/channel_loops.h"
#include "nn/channels/norm_kernels.h"

namespace kindred {

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
                   const NormChannels& channels, const T* dy, const NormGradient& gradient, T* dx);
template <typename T>
void norm_inference(const NormPlan& plan, Index part, const T* x, const NormChannels& channels,
                    T* y);

}  // namespace kindred
