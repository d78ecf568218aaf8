#pragma once
#include <cstdint>
#include <vector>

#include "kindred/core/shape.h"
#include "nn/kernels/bfloat16_gradient_kernels.h"

namespace kindred {

/// The gradient of a convolution's weights in bfloat16, for odd kernels that keep the image's size,
/// channels-last:
///
///   diff_weights[kh, kw, c, o] = sum over samples and pixels of
///                                src[h + kh - padding, w + kw - padding, c] * diff_dst[h, w, o]
///
/// One product of matrices for each tap. Its inner index walks the pixels of all samples with a
/// margin of zeros behind each row and each image, so that a tap is nothing but an offset into it;
/// src is turned over once, so that this index is the one along which pairs lie side by side, as
/// AMX's tiles and AVX512_BF16's vectors want them.
class Bfloat16Gradient {
 public:
  /// True where this process's level (core/cpu.h) has AVX512_BF16.
  static bool available();
  /// Stride 1, padding kernel / 2, channels in multiples of 32, one group.
  static bool fits(const Shape& src, const Shape& dst, Index kernel, Index padding, Index groups);

  /// `amx`: it may be used where the level has it. REQUIRES: fits().
  Bfloat16Gradient(Index S, const Shape& src, const Shape& dst, Index kernel, bool amx);

  Bfloat16Gradient(const Bfloat16Gradient&) = delete;
  Bfloat16Gradient& operator=(const Bfloat16Gradient&) = delete;

  /// "AMX", or else "AVX512_BF16".
  const char* unit_name() const { return tiles_ ? "AMX" : "AVX512_BF16"; }
  Index scratch_bytes() const;
  /// diff_weights [kernel, kernel, src channels, dst channels]. REQUIRES: available().
  void run(const Bfloat16* src, const Bfloat16* diff_dst, void* scratch, float* diff_weights) const;

 private:
  bool tiles_;
  Bfloat16GradientPlan plan_;
  std::vector<std::int32_t> pixels_;  // the plan's
};

}  // namespace kindred
