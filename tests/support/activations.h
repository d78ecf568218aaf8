#pragma once
#include "nn/kernels/activation.h"

namespace kindred::test {

inline constexpr Activation kNoActivation{};
inline constexpr Activation kReluActivation{ActivationKind::relu};
/// What stem blocks compute.
inline constexpr Activation kActivations[] = {kNoActivation, kReluActivation};
inline constexpr ActivationKind kAllActivations[] = {
    ActivationKind::none,  ActivationKind::relu,       ActivationKind::relu6,
    ActivationKind::prelu, ActivationKind::hard_swish, ActivationKind::swish};

}  // namespace kindred::test
