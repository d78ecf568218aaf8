#pragma once
#include "nn/kernels/activation.h"
#include "nn/kernels/vector.h"

// Activations on vectors. NaN stays NaN. Wide vectors go half by half (Vector says why).

namespace kindred {

/// f(y)
template <int L, ActivationKind kind>
inline typename Vector<L>::Float activated(typename Vector<L>::Float y) {
  using V = Vector<L>;
  if constexpr (kind == ActivationKind::none) {
    return y;
  } else if constexpr (V::kIsWide) {
    return V::join(activated<L / 2, kind>(V::template half<false>(y)),
                   activated<L / 2, kind>(V::template half<true>(y)));
  } else {
    const typename V::Float zero{};
    return y < zero ? zero : y;
  }
}

/// dy f'(y), y from before or behind the activation.
template <int L, ActivationKind kind>
inline typename Vector<L>::Float activation_gradient(typename Vector<L>::Float dy,
                                                     typename Vector<L>::Float y) {
  using V = Vector<L>;
  if constexpr (kind == ActivationKind::none) {
    return dy;
  } else if constexpr (V::kIsWide) {
    return V::join(
        activation_gradient<L / 2, kind>(V::template half<false>(dy), V::template half<false>(y)),
        activation_gradient<L / 2, kind>(V::template half<true>(dy), V::template half<true>(y)));
  } else {
    const typename V::Float zero{};
    return y <= zero ? zero : dy;
  }
}

/// body.operator()<kind>()
template <typename F>
inline decltype(auto) with_activation(Activation activation, F&& body) {
  switch (activation.kind) {
    case ActivationKind::none: break;
    case ActivationKind::relu: return body.template operator()<ActivationKind::relu>();
  }
  return body.template operator()<ActivationKind::none>();
}

}  // namespace kindred
