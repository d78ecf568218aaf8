#include "nn/kernels/bfloat16_gradient.h"

#include <algorithm>

#include "kindred/core/error.h"
#include "kindred/core/index.h"
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
#define KINDRED_BFLOAT16_VECTORS 1
#include <immintrin.h>

#include <cstring>
#else
#define KINDRED_BFLOAT16_VECTORS 0
#endif
#if KINDRED_BFLOAT16_VECTORS && defined(__AMX_TILE__) && defined(__AMX_BF16__)
#define KINDRED_BFLOAT16_TILES 1
#else
#define KINDRED_BFLOAT16_TILES 0
#endif

// oneDNN 2.6.3's own kernel for this (jit:avx512_core_amx_bf16) takes several times as long as
// forward does. Slice of 16, 64 channels, one thread of a Sapphire Rapids, us, oneDNN -> here:
// 14x14 650 to 1,280 -> 380 to 600; 7x7 560 -> 100 to 150; 3x3 305 -> 50.
// With AVX512_BF16 alone, two threads of a Zen 5, ms of a batch of 128, oneDNN -> here: 14x14 2.81
// -> 2.69; 7x7 0.98 -> 0.76; 3x3 0.29 -> 0.20. Vectors run at the speed of forward's there, 0.94
// TFLOP/s; margins are 15 % of them at 14x14.

namespace kindred {
namespace {

constexpr Index kStep = 32;    // pixels of one product of tiles
constexpr Index kPart = 2048;  // pixels of a part: with 64 channels, 512 KiB of scratch

}  // namespace

bool Bfloat16Gradient::compiled() { return KINDRED_BFLOAT16_VECTORS; }

const char* Bfloat16Gradient::unit_name() const { return tiles_ ? "AMX" : "AVX512_BF16"; }

bool Bfloat16Gradient::fits(const Shape& src, const Shape& dst, Index kernel, Index padding,
                            Index groups) {
  return kernel % 2 == 1 && padding == kernel / 2 && groups == 1 && src.height == dst.height &&
         src.width == dst.width && src.channels % 32 == 0 && dst.channels % 32 == 0;
}

Bfloat16Gradient::Bfloat16Gradient(Index S, const Shape& src, const Shape& dst, Index kernel,
                                   bool amx)
    : tiles_(KINDRED_BFLOAT16_TILES && amx),
      C_(src.channels),
      O_(dst.channels),
      kernel_(kernel),
      row_(src.width + kernel / 2) {
  const Index padding = kernel / 2;
  const Index image = row_ * (src.height + padding);
  Index samples = std::max<Index>(1, std::min(S, kPart / image));
  while (S % samples != 0) --samples;
  parts_ = S / samples;
  part_pixels_ = samples * src.height * src.width;
  walked_ = round_up(samples * image, kStep);
  lead_ = round_up(padding * row_ + padding, kStep);
  pitch_ = lead_ + walked_ + lead_;
  if (pitch_ / kStep % 2 == 0) pitch_ += kStep;  // rows of a tile in different sets of the cache
  pixels_.assign(static_cast<std::size_t>(walked_), -1);
  std::int32_t number = 0;
  for (Index n = 0; n < samples; ++n) {
    for (Index h = 0; h < src.height; ++h) {
      for (Index w = 0; w < src.width; ++w) {
        pixels_[static_cast<std::size_t>(n * image + h * row_ + w)] = number++;
      }
    }
  }
}

Index Bfloat16Gradient::scratch_bytes() const {
  return (C_ * pitch_ + O_ * walked_) * static_cast<Index>(sizeof(Bfloat16));
}

#if KINDRED_BFLOAT16_VECTORS

namespace {

constexpr Index kVectorChunk = 8 * kStep;  // pixels whose numbers stay in the first cache

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

}  // namespace

void Bfloat16Gradient::run(const Bfloat16* src, const Bfloat16* diff_dst, void* scratch,
                           float* diff_weights) const {
  auto* turned = static_cast<Bfloat16*>(scratch);
  Bfloat16* paired = turned + C_ * pitch_;
  std::fill_n(diff_weights, kernel_ * kernel_ * C_ * O_, 0.0F);
  for (Index part = 0; part < parts_; ++part) {
    turn(src + part * part_pixels_ * C_, turned);
    pair(diff_dst + part * part_pixels_ * O_, paired);
    if (tiles_) {
      multiply_by_tiles(turned, paired, diff_weights);
    } else {
      multiply_by_vectors(turned, paired, diff_weights);
    }
  }
}

/// turned [C, pitch]: the channels' pixels one behind the other.
void Bfloat16Gradient::turn(const Bfloat16* src, Bfloat16* turned) const {
  for (Index c = 0; c < C_; ++c) {
    std::fill_n(turned + c * pitch_, lead_, Bfloat16{});
    std::fill_n(turned + c * pitch_ + lead_ + walked_, lead_, Bfloat16{});
  }
  for (Index q = 0; q < walked_; q += kStep) {
    const std::int32_t* number = &pixels_[static_cast<std::size_t>(q)];
    for (Index c = 0; c < C_; c += 16) {
      __m512i block[16];
      for (Index i = 0; i < 16; ++i) {
        block[i] =
            paired_channels(pixel(src, number[2 * i], C_, c), pixel(src, number[2 * i + 1], C_, c));
      }
      transpose(block);
      for (Index i = 0; i < 16; ++i) {
        _mm512_storeu_si512(turned + (c + i) * pitch_ + lead_ + q, block[i]);
      }
    }
  }
}

/// paired [walked / 2, O, 2]
void Bfloat16Gradient::pair(const Bfloat16* diff_dst, Bfloat16* paired) const {
  for (Index q = 0; q < walked_; q += 2) {
    const std::int32_t* number = &pixels_[static_cast<std::size_t>(q)];
    for (Index o = 0; o < O_; o += 16) {
      _mm512_storeu_si512(
          paired + q * O_ + 2 * o,
          paired_channels(pixel(diff_dst, number[0], O_, o), pixel(diff_dst, number[1], O_, o)));
    }
  }
}

/// Adds a part to the products.
void Bfloat16Gradient::multiply_by_vectors(const Bfloat16* turned, const Bfloat16* paired,
                                           float* diff_weights) const {
  constexpr int kRows = 8;
  const Index padding = kernel_ / 2;
  for (Index q = 0; q < walked_; q += kVectorChunk) {
    const Index pixels = std::min(kVectorChunk, walked_ - q);
    for (Index o = 0; o < O_; o += 32) {
      for (Index c = 0; c < C_; c += kRows) {
        for (Index tap = 0; tap < kernel_ * kernel_; ++tap) {
          const Index offset = (tap / kernel_ - padding) * row_ + tap % kernel_ - padding;
          add_pairs<kRows>(turned + c * pitch_ + lead_ + q + offset, pitch_,
                           paired + q * O_ + 2 * o, O_, pixels,
                           diff_weights + (tap * C_ + c) * O_ + o);
        }
      }
    }
  }
}

#if KINDRED_BFLOAT16_TILES

namespace {

constexpr Index kTileChunk = 16 * kStep;  // pixels whose tiles stay in the first cache

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

}  // namespace

/// Adds a part to the products, 32 x 32 numbers in four tiles at a time.
void Bfloat16Gradient::multiply_by_tiles(const Bfloat16* turned, const Bfloat16* paired,
                                         float* diff_weights) const {
  const Tiles tiles;
  const auto bytes = [](Index count, std::size_t size) {
    return static_cast<std::size_t>(count) * size;
  };
  const std::size_t a_row = bytes(pitch_, sizeof(Bfloat16));
  const std::size_t b_row = bytes(2 * O_, sizeof(Bfloat16));
  const std::size_t to_row = bytes(O_, sizeof(float));
  const auto product = [&](const Bfloat16* a, const Bfloat16* b, Index pixels, float* to) {
    _tile_loadd(0, to, to_row);
    _tile_loadd(1, to + 16, to_row);
    _tile_loadd(2, to + 16 * O_, to_row);
    _tile_loadd(3, to + 16 * O_ + 16, to_row);
    for (Index q = 0; q < pixels; q += kStep) {
      _tile_loadd(4, a + q, a_row);
      _tile_loadd(6, b + q * O_, b_row);
      _tile_loadd(7, b + q * O_ + 32, b_row);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a + 16 * pitch_ + q, a_row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, to, to_row);
    _tile_stored(1, to + 16, to_row);
    _tile_stored(2, to + 16 * O_, to_row);
    _tile_stored(3, to + 16 * O_ + 16, to_row);
  };
  const Index padding = kernel_ / 2;
  for (Index q = 0; q < walked_; q += kTileChunk) {
    const Index pixels = std::min(kTileChunk, walked_ - q);
    for (Index c = 0; c < C_; c += 32) {
      for (Index o = 0; o < O_; o += 32) {
        for (Index tap = 0; tap < kernel_ * kernel_; ++tap) {
          const Index offset = (tap / kernel_ - padding) * row_ + tap % kernel_ - padding;
          product(turned + c * pitch_ + lead_ + q + offset, paired + q * O_ + 2 * o, pixels,
                  diff_weights + (tap * C_ + c) * O_ + o);
        }
      }
    }
  }
}

#else

void Bfloat16Gradient::multiply_by_tiles(const Bfloat16*, const Bfloat16*, float*) const {}

#endif

#else

void Bfloat16Gradient::run(const Bfloat16*, const Bfloat16*, void*, float*) const {
  fail(ErrorKind::internal, "this program was not compiled for AVX512_BF16");
}

#endif

}  // namespace kindred
