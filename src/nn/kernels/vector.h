#pragma once
#include <cstdint>
#include <cstring>

#include "core/register.h"
#include "kindred/core/index.h"
#include "nn/kernels/bfloat16.h"

namespace kindred {

/// The compilers' vector extension. One by one, because GCC 12 mistakes a vector type whose length
/// is a template's parameter for a number.
template <int L>
struct VectorTypes;
#define KINDRED_VECTOR_TYPES(L)                                                         \
  template <>                                                                           \
  struct VectorTypes<L> {                                                               \
    typedef float Float __attribute__((vector_size(L * sizeof(float))));                \
    typedef int Int __attribute__((vector_size(L * sizeof(int))));                      \
    typedef std::uint32_t Word __attribute__((vector_size(L * sizeof(std::uint32_t)))); \
    typedef std::uint16_t Half __attribute__((vector_size(L * sizeof(std::uint16_t)))); \
  };
KINDRED_VECTOR_TYPES(1)
KINDRED_VECTOR_TYPES(4)
KINDRED_VECTOR_TYPES(8)
KINDRED_VECTOR_TYPES(16)
#undef KINDRED_VECTOR_TYPES

/// Floats of one register.
inline constexpr int kRegisterFloats = kRegisterBytes / static_cast<int>(sizeof(float));

/// L floats that are computed with at once, read from and written to floats or Bfloat16: arithmetic
/// is lane by lane, comparisons give Int with all bits set or none, `mask ? a : b` chooses lane by
/// lane. Wider than a register, arithmetic still is: GCC 12 takes a comparison and a choice apart,
/// number by number (16 lanes on AVX2: 80 instructions for a maximum; a norm with ReLU and pool ran
/// at a tenth of its speed). Loops that compare go by registers (for_registers, for_vectors); what
/// is in this file compares wider vectors half by half.
template <int L>
struct Vector {
  using Float = typename VectorTypes<L>::Float;
  using Int = typename VectorTypes<L>::Int;
  using Word = typename VectorTypes<L>::Word;  ///< a float's bits
  using Half = typename VectorTypes<L>::Half;  ///< a Bfloat16's

  static constexpr bool kIsWide = L > kRegisterFloats;
  /// Halves of a wide vector.
  using Part = Vector<kIsWide ? L / 2 : 1>;
  template <bool kHigh>
  static typename Part::Float half(Float value) {
    if constexpr (L == 16) {
      constexpr int o = kHigh ? 8 : 0;
      return __builtin_shufflevector(value, value, o, o + 1, o + 2, o + 3, o + 4, o + 5, o + 6,
                                     o + 7);
    } else {
      constexpr int o = kHigh ? 4 : 0;
      return __builtin_shufflevector(value, value, o, o + 1, o + 2, o + 3);
    }
  }
  static Float join(typename Part::Float low, typename Part::Float high) {
    if constexpr (L == 16) {
      return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                     15);
    } else {
      return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
    }
  }

  static Float load(const float* p) {
    Float value;
    std::memcpy(&value, p, sizeof(value));
    return value;
  }
  static void store(float* p, Float value) { std::memcpy(p, &value, sizeof(value)); }

  /// p[0], p[stride], ..., less than 2^31 / L floats apart.
  static Float gather(const float* p, Index stride) {
#ifdef __AVX512F__
    if constexpr (L == 16) {
      const Int lanes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
      const auto places = (__m512i)(lanes * static_cast<int>(stride));
      // With a mask of ones, as GCC 12 warns of its own plain forms (GCC bug 105593).
      return (Float)_mm512_mask_i32gather_ps((__m512)Float{}, 0xffff, places, p, 4);
    }
#endif
    Float value;
    for (int l = 0; l < L; ++l) value[l] = p[l * stride];
    return value;
  }

  static Float load(const Bfloat16* p) {
#ifdef __AVX512F__
    if constexpr (L == 16) {  // GCC 12 would take it apart into two vectors of 8
      const auto halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
      return (Float)((Word)_mm512_maskz_cvtepu16_epi32(0xffff, halves) << 16);
    }
#endif
    Half halves;
    std::memcpy(&halves, p, sizeof(halves));
    return (Float)(__builtin_convertvector(halves, Word) << 16);
  }
  /// Rounds to the nearest, ties to even; NaN stays NaN.
  static void store(Bfloat16* p, Float value) {
#if defined(__AVX512BF16__) && defined(__AVX512VL__)
    if constexpr (L == 16) {
      const auto halves = _mm512_cvtneps_pbh((__m512)value);
      std::memcpy(p, &halves, sizeof(halves));
      return;
    }
    if constexpr (L == 8) {
      const auto halves = _mm256_cvtneps_pbh((__m256)value);
      std::memcpy(p, &halves, sizeof(halves));
      return;
    }
#endif
    if constexpr (kIsWide) {
      Part::store(p, half<false>(value));
      Part::store(p + L / 2, half<true>(value));
      return;
    }
    const Word bits = (Word)value;
    const Word nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const Word quiet_nan = Word{} + 0x7fc0;
    const Half halves = __builtin_convertvector(value == value ? nearest : quiet_nan, Half);
    std::memcpy(p, &halves, sizeof(halves));
  }

  /// Bytes as numbers, and back: numbers from 0 to 255.
  static Int load_bytes(const std::uint8_t* p) {
#if defined(__AVX512F__)
    if constexpr (L == 16) {
      return (Int)_mm512_maskz_cvtepu8_epi32(0xffff,
                                             _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
#endif
#if defined(__AVX2__)
    if constexpr (L == 8) {
      return (Int)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
    }
#endif
#if defined(__SSE4_1__)
    if constexpr (L == 4) return (Int)_mm_cvtepu8_epi32(_mm_loadu_si32(p));
#endif
    Int value;
    for (int l = 0; l < L; ++l) value[l] = p[l];
    return value;
  }
  static void store_bytes(std::uint8_t* p, Int value) {
#if defined(__AVX512F__)
    if constexpr (L == 16) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                       _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)value));
      return;
    }
#endif
#if defined(__AVX2__)
    if constexpr (L == 8) {
      const auto numbers = (__m256i)value;
      const __m128i halves =
          _mm_packs_epi32(_mm256_castsi256_si128(numbers), _mm256_extracti128_si256(numbers, 1));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(halves, halves));
      return;
    }
#endif
#if defined(__SSE4_1__)
    if constexpr (L == 4) {
      const __m128i halves = _mm_packs_epi32((__m128i)value, (__m128i)value);
      _mm_storeu_si32(p, _mm_packus_epi16(halves, halves));
      return;
    }
#endif
    for (int l = 0; l < L; ++l) p[l] = static_cast<std::uint8_t>(value[l]);
  }

  static Float all(float value) { return Float{} + value; }

  /// value where the mask is set, else 0; and the other way round. GCC 12 combines a chain of `?:`
  /// into blends of combined masks; below AVX-512, where masks are vectors, these are one `and`.
  static Float where(Int mask, Float value) {
#ifdef __AVX512F__
    return mask ? value : Float{};
#else
    return (Float)((Int)value & mask);
#endif
  }
  static Float where_not(Int mask, Float value) {
#ifdef __AVX512F__
    return mask ? Float{} : value;
#else
    return (Float)((Int)value & ~mask);
#endif
  }
};

/// Calls body.template operator()<L>(i) for all of [0, size): whole registers, then one by one.
template <typename F>
void for_vectors(Index size, F&& body) {
  constexpr int R = kRegisterFloats;
  Index i = 0;
  for (; i + R <= size; i += R) body.template operator()<R>(i);
  for (; i < size; ++i) body.template operator()<1>(i);
}

/// Calls body.template operator()<L>(first) for the lanes of a channel group, 16, 8 or 1 of them,
/// a register at a time: lanes [first, first + L).
template <typename F>
void for_registers(int lanes, F&& body) {
  constexpr int R = kRegisterFloats;
  if (lanes == 1) return body.template operator()<1>(0);
  if constexpr (R == 16) {
    if (lanes == 8) return body.template operator()<8>(0);
  }
  for (int first = 0; first < lanes; first += R) body.template operator()<R>(first);
}

}  // namespace kindred
