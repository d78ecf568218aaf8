#pragma once
#include <cstddef>
#include <cstdint>

namespace kindred {

/// What a layer does to its numbers last. A further kind gets a name here, its two formulas in
/// activation_loops.h, and a line in activation_of() (contract/fuse.cc).
enum class ActivationKind : std::uint8_t {
  none,
  relu,        ///< max(x, 0)
  relu6,       ///< min(max(x, 0), 6)
  prelu,       ///< x where it is above 0, else slope * x, with a slope for each channel
  hard_swish,  ///< x relu6(x + 3) / 6
  swish,       ///< x / (1 + e^-x)
};

/// True for max and min with constants: f never falls, so that the largest of some f(x) is f of the
/// largest; and f'(x) follows from f(x), so that nobody needs to keep x.
constexpr bool is_clip(ActivationKind kind) { return kind <= ActivationKind::relu6; }

/// True for what Winograd's loops and the stem's compute as they write; the others are a pass of
/// their own behind them.
constexpr bool is_piecewise_linear(ActivationKind kind) { return kind <= ActivationKind::prelu; }

struct Activation {
  ActivationKind kind = ActivationKind::none;
  /// PReLU's, [C], zeros in a layout's padding channels.
  const float* slopes = nullptr;

  explicit operator bool() const { return kind != ActivationKind::none; }
  /// What loops for is_piecewise_linear() compute, and what is left for a pass behind them.
  Activation in_loops() const { return is_piecewise_linear(kind) ? *this : Activation{}; }
  Activation behind_loops() const { return is_piecewise_linear(kind) ? Activation{} : *this; }
  /// The same for channels from `first` on.
  Activation from(std::ptrdiff_t first) const {
    return {kind, slopes == nullptr ? nullptr : slopes + first};
  }
};

}  // namespace kindred
