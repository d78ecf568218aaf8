#include "nn/kernels/bfloat16_gradient.h"

#include <algorithm>

// oneDNN 2.6.3's own kernel for this (jit:avx512_core_amx_bf16) takes several times as long as
// forward does. Slice of 16, 64 channels, one thread of a Sapphire Rapids, us, oneDNN -> here:
// 14x14 650 to 1,280 -> 380 to 600; 7x7 560 -> 100 to 150; 3x3 305 -> 50.
// With AVX512_BF16 alone, two threads of a Zen 5, ms of a batch of 128, oneDNN -> here: 14x14 2.81
// -> 2.69; 7x7 0.98 -> 0.76; 3x3 0.29 -> 0.20. Vectors run at the speed of forward's there, 0.94
// TFLOP/s; margins are 15 % of them at 14x14.

namespace kindred {
namespace {

constexpr Index kPart = 2048;  // pixels of a part: with 64 channels, 512 KiB of scratch

const Bfloat16GradientKernels& loops() { return kernels<Bfloat16GradientKernels>(); }

}  // namespace

bool Bfloat16Gradient::available() { return loops().available; }

bool Bfloat16Gradient::fits(const Shape& src, const Shape& dst, Index kernel, Index padding,
                            Index groups) {
  return kernel % 2 == 1 && padding == kernel / 2 && groups == 1 && src.height == dst.height &&
         src.width == dst.width && src.channels % 32 == 0 && dst.channels % 32 == 0;
}

Bfloat16Gradient::Bfloat16Gradient(Index S, const Shape& src, const Shape& dst, Index kernel,
                                   bool amx)
    : tiles_(amx && loops().has_tiles) {
  plan_.C = src.channels;
  plan_.O = dst.channels;
  plan_.kernel = kernel;
  plan_.row = src.width + kernel / 2;
  const Index padding = kernel / 2;
  const Index image = plan_.row * (src.height + padding);
  Index samples = std::max<Index>(1, std::min(S, kPart / image));
  while (S % samples != 0) --samples;
  plan_.parts = S / samples;
  plan_.part_pixels = samples * src.height * src.width;
  plan_.walked = round_up(samples * image, kBfloat16Step);
  plan_.lead = round_up(padding * plan_.row + padding, kBfloat16Step);
  plan_.pitch = plan_.lead + plan_.walked + plan_.lead;
  // Rows of a tile in different sets of the cache.
  if (plan_.pitch / kBfloat16Step % 2 == 0) plan_.pitch += kBfloat16Step;
  pixels_.assign(static_cast<std::size_t>(plan_.walked), -1);
  plan_.pixels = pixels_.data();
  std::int32_t number = 0;
  for (Index n = 0; n < samples; ++n) {
    for (Index h = 0; h < src.height; ++h) {
      for (Index w = 0; w < src.width; ++w) {
        pixels_[static_cast<std::size_t>(n * image + h * plan_.row + w)] = number++;
      }
    }
  }
}

Index Bfloat16Gradient::scratch_bytes() const {
  return (plan_.C * plan_.pitch + plan_.O * plan_.walked) * static_cast<Index>(sizeof(Bfloat16));
}

void Bfloat16Gradient::run(const Bfloat16* src, const Bfloat16* diff_dst, void* scratch,
                           float* diff_weights) const {
  loops().run(plan_, src, diff_dst, tiles_, scratch, diff_weights);
}

}  // namespace kindred
