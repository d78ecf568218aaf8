#pragma once
#include <cstdint>

#include "core/kernels.h"
#include "kindred/core/index.h"
#include "nn/kernels/bfloat16.h"

namespace kindred {

/// How Bfloat16Gradient walks the pixels of all samples.
struct Bfloat16GradientPlan {
  Index C = 0;  ///< of src
  Index O = 0;  ///< of dst
  Index kernel = 1;
  Index row = 0;          ///< pixels of a row with its margin
  Index parts = 0;        ///< the samples are taken in so many parts, which stay in cache
  Index part_pixels = 0;  ///< of src, in a part
  Index walked = 0;       ///< with margins and rounded up to whole steps
  Index lead = 0;         ///< zeros before the first pixel of a part and behind the last
  Index pitch = 0;        ///< of a channel in the turned src
  const std::int32_t* pixels = nullptr;  ///< [walked]: the pixel's number in a part, or -1: zeros
};

/// Pixels of one product of tiles; `walked`, `lead` and `pitch` are multiples of it.
inline constexpr Index kBfloat16Step = 32;

struct Bfloat16GradientKernels {
  static constexpr Isa kHighest = Isa::amx;

  /// From AVX512_BF16 on. Where false, run is nullptr.
  bool available;
  /// Where the level has AMX.
  bool has_tiles;
  /// diff_weights [kernel, kernel, C, O]; scratch holds C * pitch + O * walked Bfloat16. `tiles`:
  /// on AMX. REQUIRES: tiles only where has_tiles.
  void (*run)(const Bfloat16GradientPlan& plan, const Bfloat16* src, const Bfloat16* diff_dst,
              bool tiles, void* scratch, float* diff_weights);
};

}  // namespace kindred
