#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "kindred/core/export.h"
#include "kindred/core/index.h"

namespace KINDRED_API kindred {

class Scratch;

enum class NetworkMode {
  training,   ///< keeps what backward needs; batch norm by the slice's own statistics
  inference,  ///< batch norm folded into the layer before it, ReLU fused
};

/// What a pass through the network depends on besides its inputs.
struct Pass {
  std::uint64_t seed = 0;      ///< of dropout
  Index step = 0;              ///< of dropout
  Index first_sample = 0;      ///< the slice's first row in the batch
  Scratch* scratch = nullptr;  ///< the worker's
  /// Of all workers, by their numbers: where given, idle ones take part (Workers::share).
  std::span<const std::unique_ptr<Scratch>> scratches = {};
};

}  // namespace kindred
