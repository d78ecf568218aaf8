#include "nn/channels/prelu_kernels.h"

#include "nn/channels/channel_loops.h"
#include "nn/kernels/activation_loops.h"

namespace kindred {
namespace {

constexpr ActivationKind kKind = ActivationKind::prelu;

template <int L, typename T>
void activate_pixels(const ChannelLayout& layout, const T* x, typename Vector<L>::Float slope,
                     T* y) {
  using V = Vector<L>;
  const Index end = layout.pixels() * layout.pixel_stride;
  for (Index at = 0; at < end; at += layout.pixel_stride) {
    V::store(y + at, activated<L, kKind>(V::load(x + at), slope));
  }
}

template <int L, typename T>
void propagate_pixels(const ChannelLayout& layout, const T* x, typename Vector<L>::Float slope,
                      const T* dy, T* dx, double* totals) {
  using V = Vector<L>;
  ChainedSum<L> sum;
  ChainedSum<L>::for_pixels(layout.pixels(), [&](Index p, int chain) {
    const Index at = p * layout.pixel_stride;
    const auto value = V::load(x + at);
    const auto g = V::load(dy + at);
    sum.add(chain, slope_gradient<L>(g, value));
    if (dx != nullptr) V::store(dx + at, activation_gradient<L, kKind>(g, value, slope));
  });
  sum.add_to(totals);
}

Index parts(const PreluPlan& plan) { return bundles_of(plan); }

template <typename T>
void forward(const PreluPlan& plan, Index part, const T* x, const float* slopes, T* y) {
  for_samples(plan, bundle_of(plan, part), [&]<int L>(const Piece& piece, Index n) {
    const Index at = n * plan.x.sample_stride + piece.x;
    activate_pixels<L>(plan.x, x + at, Vector<L>::load(slopes + piece.channel), y + at);
  });
}

template <typename T>
void backward(const PreluPlan& plan, Index part, const T* x, const float* slopes, const T* dy,
              float* dslopes, T* dx) {
  const Bundle bundle = bundle_of(plan, part);
  double totals[Bundle::kMost * 16] = {};
  for_samples(plan, bundle, [&]<int L>(const Piece& piece, Index n) {
    const Index at = n * plan.x.sample_stride + piece.x;
    propagate_pixels<L>(plan.x, x + at, Vector<L>::load(slopes + piece.channel), dy + at,
                        dx == nullptr ? nullptr : dx + at, totals + piece.lane);
  });
  for_channels(plan, bundle,
               [&](Index c, std::size_t lane) { dslopes[c] = static_cast<float>(totals[lane]); });
}

template <typename T>
constexpr PreluKernels<T> kPreluKernels{parts, forward<T>, backward<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(PreluKernels<T>, kPreluKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
