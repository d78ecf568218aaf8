#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kindred/core/shape.h"
#include "nn/kernels/bfloat16.h"

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
  /// True where this program was compiled for AVX512_BF16, or for AMX beside it.
  static bool compiled();
  /// Stride 1, padding kernel / 2, channels in multiples of 32, one group.
  static bool fits(const Shape& src, const Shape& dst, Index kernel, Index padding, Index groups);

  /// `amx`: the CPU has it, and it may be used. REQUIRES: fits().
  Bfloat16Gradient(Index S, const Shape& src, const Shape& dst, Index kernel, bool amx);

  /// "AMX", or else "AVX512_BF16".
  const char* unit_name() const;
  Index scratch_bytes() const;
  /// diff_weights [kernel, kernel, src channels, dst channels]. REQUIRES: compiled(), and a CPU
  /// that has it.
  void run(const Bfloat16* src, const Bfloat16* diff_dst, void* scratch, float* diff_weights) const;

 private:
  void turn(const Bfloat16* src, Bfloat16* turned) const;
  void pair(const Bfloat16* diff_dst, Bfloat16* paired) const;
  void multiply_by_tiles(const Bfloat16* turned, const Bfloat16* paired, float* diff_weights) const;
  void multiply_by_vectors(const Bfloat16* turned, const Bfloat16* paired,
                           float* diff_weights) const;

  bool tiles_;
  Index C_;
  Index O_;
  Index kernel_;
  Index row_;                         // pixels of a row with its margin
  Index parts_;                       // the samples are taken in so many parts, which stay in cache
  Index part_pixels_;                 // of src, in a part
  Index walked_;                      // with margins and rounded up to whole tiles
  Index lead_;                        // zeros before the first pixel of a part and behind the last
  Index pitch_;                       // of a channel in the turned src
  std::vector<std::int32_t> pixels_;  // [walked]: the pixel's number in a part, or -1: zeros
};

}  // namespace kindred
