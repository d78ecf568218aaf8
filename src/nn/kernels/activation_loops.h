#pragma once
#include "nn/kernels/activation.h"
#include "nn/kernels/vector.h"
#include "nn/kernels/vector_math.h"

// Activations on vectors. NaN stays NaN. Wide vectors go half by half (Vector says why).

namespace kindred {

/// f(x); slope: PReLU's, of these channels.
template <int L, ActivationKind kind>
inline typename Vector<L>::Float activated(typename Vector<L>::Float x,
                                           typename Vector<L>::Float slope = Vector<L>::all(0.0F)) {
  using V = Vector<L>;
  using Float = typename V::Float;
  if constexpr (kind == ActivationKind::none) {
    return x;
  } else if constexpr (V::kIsWide) {
    return V::join(
        activated<L / 2, kind>(V::template half<false>(x), V::template half<false>(slope)),
        activated<L / 2, kind>(V::template half<true>(x), V::template half<true>(slope)));
  } else if constexpr (kind == ActivationKind::relu) {
    const Float zero{};
    return x < zero ? zero : x;
  } else if constexpr (kind == ActivationKind::relu6) {
    const Float zero{};
    const Float six = V::all(6.0F);
    const Float low = x < zero ? zero : x;
    return low > six ? six : low;
  } else if constexpr (kind == ActivationKind::prelu) {
    const Float zero{};
    return x < zero ? x * slope : x;
  } else if constexpr (kind == ActivationKind::hard_swish) {
    // 6 times the nearest float to 1 / 6 is 1: numbers above 3 stay what they are.
    return x * (activated<L, ActivationKind::relu6>(x + 3.0F) * (1.0F / 6));
  } else {
    return x * sigmoid<L>(x);
  }
}

/// dy f'(x). Where is_clip(kind), x may as well be f(x).
template <int L, ActivationKind kind>
inline typename Vector<L>::Float activation_gradient(
    typename Vector<L>::Float dy, typename Vector<L>::Float x,
    typename Vector<L>::Float slope = Vector<L>::all(0.0F)) {
  using V = Vector<L>;
  using Float = typename V::Float;
  if constexpr (kind == ActivationKind::none) {
    return dy;
  } else if constexpr (V::kIsWide) {
    return V::join(
        activation_gradient<L / 2, kind>(V::template half<false>(dy), V::template half<false>(x),
                                         V::template half<false>(slope)),
        activation_gradient<L / 2, kind>(V::template half<true>(dy), V::template half<true>(x),
                                         V::template half<true>(slope)));
  } else if constexpr (kind == ActivationKind::relu) {
    const Float zero{};
    return x <= zero ? zero : dy;
  } else if constexpr (kind == ActivationKind::relu6) {
    const Float zero{};
    const Float above_zero = x <= zero ? zero : dy;
    return x >= V::all(6.0F) ? zero : above_zero;
  } else if constexpr (kind == ActivationKind::prelu) {
    const Float zero{};
    return x <= zero ? dy * slope : dy;
  } else if constexpr (kind == ActivationKind::hard_swish) {
    const Float zero{};
    const Float inside = dy * (x * (1.0F / 3) + 0.5F);
    const Float from_below = x <= V::all(-3.0F) ? zero : inside;
    return x >= V::all(3.0F) ? dy : from_below;
  } else {
    const Float s = sigmoid<L>(x);
    return dy * (s + x * (s * (1.0F - s)));
  }
}

/// What dy adds to the gradient of a PReLU's slope: dy min(x, 0).
template <int L>
inline typename Vector<L>::Float slope_gradient(typename Vector<L>::Float dy,
                                                typename Vector<L>::Float x) {
  static_assert(!Vector<L>::kIsWide);
  const typename Vector<L>::Float zero{};
  return x < zero ? dy * x : zero;
}

/// The slopes of channels from `channel` on, where there are some.
template <int L, ActivationKind kind>
inline typename Vector<L>::Float slopes_at(const Activation& activation, Index channel) {
  if constexpr (kind == ActivationKind::prelu) {
    return Vector<L>::load(activation.slopes + channel);
  } else {
    return Vector<L>::all(0.0F);
  }
}

/// body.operator()<kind>(), of a kind with is_piecewise_linear(); for others as for none.
template <typename F>
inline decltype(auto) with_piecewise_linear(Activation activation, F&& body) {
  switch (activation.kind) {
    case ActivationKind::relu: return body.template operator()<ActivationKind::relu>();
    case ActivationKind::relu6: return body.template operator()<ActivationKind::relu6>();
    case ActivationKind::prelu: return body.template operator()<ActivationKind::prelu>();
    default: return body.template operator()<ActivationKind::none>();
  }
}

/// body.operator()<kind>()
template <typename F>
inline decltype(auto) with_activation(Activation activation, F&& body) {
  switch (activation.kind) {
    case ActivationKind::hard_swish: return body.template operator()<ActivationKind::hard_swish>();
    case ActivationKind::swish: return body.template operator()<ActivationKind::swish>();
    default: return with_piecewise_linear(activation, body);
  }
}

}  // namespace kindred
