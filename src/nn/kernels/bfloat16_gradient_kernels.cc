#include "nn/kernels/bfloat16_gradient_kernels.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#endif

// Loops of Bfloat16Gradient, from AVX512_BF16 on.

namespace kindred {

#if defined(__AVX512BF16__)

namespace {

constexpr Index kVectorChunk = 8 * kBfloat16Step;  // pixels whose numbers stay in the first cache

/// Adds the products of pixels, pair by pair: kRows channels of a, one `pitch` behind the other,
/// times 32 of b, which pixels of O are paired in. to [kRows, 32], rows O apart.
template <int kRows>
void add_pairs(const Bfloat16* a, Index pitch, const Bfloat16* b, Index O, Index pixels,
               float* to) {
  __m512 sums[kRows][2];
  for (int r = 0; r < kRows; ++r) {
    for (int g = 0; g < 2; ++g) sums[r][g] = _mm512_loadu_ps(to + r * O + 16 * g);
  }
  for (Index q = 0; q < pixels; q += 2, b += 2 * O) {
    const auto y0 = (__m512bh)_mm512_loadu_ps(b);
    const auto y1 = (__m512bh)_mm512_loadu_ps(b + 32);
    for (int r = 0; r < kRows; ++r) {
      float pair;  // of neighbouring pixels
      std::memcpy(&pair, a + r * pitch + q, sizeof(pair));
      const auto x = (__m512bh)_mm512_set1_ps(pair);
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], y0, x);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], y1, x);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int g = 0; g < 2; ++g) _mm512_storeu_ps(to + r * O + 16 * g, sums[r][g]);
  }
}

// Masks of ones: GCC 12 warns of its own plain forms (GCC bug 105593).
constexpr __mmask16 kAll16 = 0xffff;
constexpr __mmask8 kAll8 = 0xff;

/// 16 channels of two pixels, the two numbers of a channel side by side.
inline __m512i paired_channels(const Bfloat16* first, const Bfloat16* second) {
  const auto wide = [](const Bfloat16* p) {
    const auto halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_maskz_cvtepu16_epi32(kAll16, halves);
  };
  return _mm512_or_si512(wide(first), _mm512_maskz_slli_epi32(kAll16, wide(second), 16));
}

/// Turns 16 x 16 numbers of 32 bits over.
inline void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_maskz_unpacklo_epi32(kAll16, r[i], r[i + 1]);
    t[i + 1] = _mm512_maskz_unpackhi_epi32(kAll16, r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int k = 0; k < 2; ++k) {
      r[i + 2 * k] = _mm512_maskz_unpacklo_epi64(kAll8, t[i + k], t[i + 2 + k]);
      r[i + 2 * k + 1] = _mm512_maskz_unpackhi_epi64(kAll8, t[i + k], t[i + 2 + k]);
    }
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_maskz_shuffle_i32x4(kAll16, r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_maskz_shuffle_i32x4(kAll16, r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_maskz_shuffle_i32x4(kAll16, r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_maskz_shuffle_i32x4(kAll16, r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 8; ++i) {
    r[i] = _mm512_maskz_shuffle_i32x4(kAll16, t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_maskz_shuffle_i32x4(kAll16, t[i], t[8 + i], 0xdd);
  }
}

/// Channels [channel, channel + 16) of pixel `number`; zeros for -1.
inline const Bfloat16* pixel(const Bfloat16* tensor, std::int32_t number, Index channels,
                             Index channel) {
  static constexpr Bfloat16 kZeros[16] = {};
  return number < 0 ? kZeros : tensor + number * channels + channel;
}

/// turned [C, pitch]: the channels' pixels one behind the other.
void turn(const Bfloat16GradientPlan& plan, const Bfloat16* src, Bfloat16* turned) {
  for (Index c = 0; c < plan.C; ++c) {
    std::fill_n(turned + c * plan.pitch, plan.lead, Bfloat16{});
    std::fill_n(turned + c * plan.pitch + plan.lead + plan.walked, plan.lead, Bfloat16{});
  }
  for (Index q = 0; q < plan.walked; q += kBfloat16Step) {
    const std::int32_t* number = &plan.pixels[q];
    for (Index c = 0; c < plan.C; c += 16) {
      __m512i block[16];
      for (Index i = 0; i < 16; ++i) {
        block[i] = paired_channels(pixel(src, number[2 * i], plan.C, c),
                                   pixel(src, number[2 * i + 1], plan.C, c));
      }
      transpose(block);
      for (Index i = 0; i < 16; ++i) {
        _mm512_storeu_si512(turned + (c + i) * plan.pitch + plan.lead + q, block[i]);
      }
    }
  }
}

/// paired [walked / 2, O, 2]
void pair(const Bfloat16GradientPlan& plan, const Bfloat16* diff_dst, Bfloat16* paired) {
  for (Index q = 0; q < plan.walked; q += 2) {
    const std::int32_t* number = &plan.pixels[q];
    for (Index o = 0; o < plan.O; o += 16) {
      _mm512_storeu_si512(paired + q * plan.O + 2 * o,
                          paired_channels(pixel(diff_dst, number[0], plan.O, o),
                                          pixel(diff_dst, number[1], plan.O, o)));
    }
  }
}

/// Adds a part to the products.
void multiply_by_vectors(const Bfloat16GradientPlan& plan, const Bfloat16* turned,
                         const Bfloat16* paired, float* diff_weights) {
  constexpr int kRows = 8;
  const Index padding = plan.kernel / 2;
  for (Index q = 0; q < plan.walked; q += kVectorChunk) {
    const Index pixels = std::min(kVectorChunk, plan.walked - q);
    for (Index o = 0; o < plan.O; o += 32) {
      for (Index c = 0; c < plan.C; c += kRows) {
        for (Index tap = 0; tap < plan.kernel * plan.kernel; ++tap) {
          const Index offset =
              (tap / plan.kernel - padding) * plan.row + tap % plan.kernel - padding;
          add_pairs<kRows>(turned + c * plan.pitch + plan.lead + q + offset, plan.pitch,
                           paired + q * plan.O + 2 * o, plan.O, pixels,
                           diff_weights + (tap * plan.C + c) * plan.O + o);
        }
      }
    }
  }
}

#if defined(__AMX_BF16__)

constexpr Index kTileChunk = 16 * kBfloat16Step;  // pixels whose tiles stay in the first cache

/// Eight tiles of 16 rows of 64 bytes, while it lives.
class Tiles {
 public:
  Tiles() {
    struct alignas(64) {
      std::uint8_t palette = 1;
      std::uint8_t start_row = 0;
      std::uint8_t reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } const config;
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// Adds a part to the products, 32 x 32 numbers in four tiles at a time.
void multiply_by_tiles(const Bfloat16GradientPlan& plan, const Bfloat16* turned,
                       const Bfloat16* paired, float* diff_weights) {
  const Tiles tiles;
  const auto bytes = [](Index count, std::size_t size) {
    return static_cast<std::size_t>(count) * size;
  };
  const std::size_t a_row = bytes(plan.pitch, sizeof(Bfloat16));
  const std::size_t b_row = bytes(2 * plan.O, sizeof(Bfloat16));
  const std::size_t to_row = bytes(plan.O, sizeof(float));
  const auto product = [&](const Bfloat16* a, const Bfloat16* b, Index pixels, float* to) {
    _tile_loadd(0, to, to_row);
    _tile_loadd(1, to + 16, to_row);
    _tile_loadd(2, to + 16 * plan.O, to_row);
    _tile_loadd(3, to + 16 * plan.O + 16, to_row);
    for (Index q = 0; q < pixels; q += kBfloat16Step) {
      _tile_loadd(4, a + q, a_row);
      _tile_loadd(6, b + q * plan.O, b_row);
      _tile_loadd(7, b + q * plan.O + 32, b_row);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + 16 * plan.pitch + q, a_row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, to, to_row);
    _tile_stored(1, to + 16, to_row);
    _tile_stored(2, to + 16 * plan.O, to_row);
    _tile_stored(3, to + 16 * plan.O + 16, to_row);
  };
  const Index padding = plan.kernel / 2;
  for (Index q = 0; q < plan.walked; q += kTileChunk) {
    const Index pixels = std::min(kTileChunk, plan.walked - q);
    for (Index c = 0; c < plan.C; c += 32) {
      for (Index o = 0; o < plan.O; o += 32) {
        for (Index tap = 0; tap < plan.kernel * plan.kernel; ++tap) {
          const Index offset =
              (tap / plan.kernel - padding) * plan.row + tap % plan.kernel - padding;
          product(turned + c * plan.pitch + plan.lead + q + offset, paired + q * plan.O + 2 * o,
                  pixels, diff_weights + (tap * plan.C + c) * plan.O + o);
        }
      }
    }
  }
}

#endif

void run(const Bfloat16GradientPlan& plan, const Bfloat16* src, const Bfloat16* diff_dst,
         [[maybe_unused]] bool tiles, void* scratch, float* diff_weights) {
  auto* turned = static_cast<Bfloat16*>(scratch);
  Bfloat16* paired = turned + plan.C * plan.pitch;
  std::fill_n(diff_weights, plan.kernel * plan.kernel * plan.C * plan.O, 0.0F);
  for (Index part = 0; part < plan.parts; ++part) {
    turn(plan, src + part * plan.part_pixels * plan.C, turned);
    pair(plan, diff_dst + part * plan.part_pixels * plan.O, paired);
#if defined(__AMX_BF16__)
    if (tiles) {
      multiply_by_tiles(plan, turned, paired, diff_weights);
      continue;
    }
#endif
    multiply_by_vectors(plan, turned, paired, diff_weights);
  }
}

}  // namespace

KINDRED_OFFER(Bfloat16GradientKernels, {true, kLevel >= Isa::amx, run});

#else

KINDRED_OFFER(Bfloat16GradientKernels, {false, false, nullptr});

#endif

}  // namespace kindred
