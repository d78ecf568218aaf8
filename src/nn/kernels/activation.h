#pragma once
#include <cstdint>

namespace kindred {

/// What a layer does to its numbers last. A further kind (slopes of its own, a gate) gets a name
/// here, its two formulas in activation_loops.h, and a line in activation_of() (contract/fuse.cc).
enum class ActivationKind : std::uint8_t {
  none,
  relu,  ///< max(y, 0)
};

struct Activation {
  ActivationKind kind = ActivationKind::none;

  explicit operator bool() const { return kind != ActivationKind::none; }
};

}  // namespace kindred
