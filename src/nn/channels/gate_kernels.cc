#include "nn/channels/gate_kernels.h"

#include "nn/channels/channel_loops.h"
#include "nn/kernels/activation_loops.h"

namespace kindred {
namespace {

/// body.operator()<L>(piece) for all channels.
template <typename F>
void for_all(const GatePlan& plan, F&& body) {
  for_pieces(plan, all_groups(plan), body);
}

template <typename T>
void means(const GatePlan& plan, const T* x, T* means) {
  const float share = 1.0F / static_cast<float>(plan.x.pixels());
  for_all(plan, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    ChainedSum<L> sum;
    ChainedSum<L>::for_pixels(plan.x.pixels(), [&](Index p, int chain) {
      sum.add(chain, V::load(x + piece.x + p * plan.x.pixel_stride));
    });
    V::store(means + piece.channel, sum.total() * share);
  });
}

void gates(const GatePlan& plan, const float* e, Index size, float* gates) {
  for_vectors(size, [&]<int L>(Index i) {
    using V = Vector<L>;
    const auto x = V::load(e + i);
    if (plan.hard) {
      V::store(gates + i, activated<L, ActivationKind::relu6>(x + 3.0F) * (1.0F / 6));
    } else {
      V::store(gates + i, sigmoid<L>(x));
    }
  });
}

template <typename T>
void forward(const GatePlan& plan, const T* x, const float* gates, T* y) {
  for_all(plan, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    const auto gate = V::load(gates + piece.channel);
    for (Index p = 0; p < plan.x.pixels(); ++p) {
      const Index at = piece.x + p * plan.x.pixel_stride;
      V::store(y + at, V::load(x + at) * gate);
    }
  });
}

template <typename T>
void backward_gates(const GatePlan& plan, const T* x, const T* dy, float* dgates) {
  for_all(plan, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    ChainedSum<L> sum;
    ChainedSum<L>::for_pixels(plan.x.pixels(), [&](Index p, int chain) {
      const Index at = piece.x + p * plan.x.pixel_stride;
      sum.add(chain, V::load(dy + at) * V::load(x + at));
    });
    V::store(dgates + piece.channel, sum.total());
  });
}

void backward_e(const GatePlan& plan, const float* gates, const float* dgates, Index size,
                float* de) {
  for_vectors(size, [&]<int L>(Index i) {
    using V = Vector<L>;
    const auto g = V::load(gates + i);
    const auto dg = V::load(dgates + i);
    if (plan.hard) {
      const auto inside = V::where_not(g <= 0.0F, dg * (1.0F / 6));
      V::store(de + i, V::where_not(g >= 1.0F, inside));
    } else {
      V::store(de + i, dg * (g * (1.0F - g)));
    }
  });
}

template <typename T>
void backward(const GatePlan& plan, const T* dy, const float* gates, const T* dmeans, T* dx) {
  const float share = 1.0F / static_cast<float>(plan.x.pixels());
  for_all(plan, [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    const auto gate = V::load(gates + piece.channel);
    const auto constant = V::load(dmeans + piece.channel) * share;
    for (Index p = 0; p < plan.x.pixels(); ++p) {
      const Index at = piece.x + p * plan.x.pixel_stride;
      V::store(dx + at, V::load(dy + at) * gate + constant);
    }
  });
}

template <typename T>
constexpr GateKernels<T> kGateKernels{means<T>,          gates,      forward<T>,
                                      backward_gates<T>, backward_e, backward<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(GateKernels<T>, kGateKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
