#pragma once
#include "nn/kernels/activation.h"

namespace kindred::test {

inline constexpr Activation kNoActivation{};
inline constexpr Activation kReluActivation{ActivationKind::relu};
inline constexpr Activation kActivations[] = {kNoActivation, kReluActivation};

}  // namespace kindred::test
