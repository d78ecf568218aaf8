#pragma once
#include <cstdint>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

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
KINDRED_VECTOR_TYPES(8)
KINDRED_VECTOR_TYPES(16)
#undef KINDRED_VECTOR_TYPES

/// L floats that are computed with at once, read from and written to floats or Bfloat16: arithmetic
/// is lane by lane, comparisons give Int with all bits set or none, `mask ? a : b` chooses lane by
/// lane. L = 16 is one AVX-512 register or two AVX ones.
template <int L>
struct Vector {
  using Float = typename VectorTypes<L>::Float;
  using Int = typename VectorTypes<L>::Int;
  using Word = typename VectorTypes<L>::Word;  ///< a float's bits
  using Half = typename VectorTypes<L>::Half;  ///< a Bfloat16's

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
    const Word bits = (Word)value;
    const Word nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    const Word quiet_nan = Word{} + 0x7fc0;
    const Half halves = __builtin_convertvector(value == value ? nearest : quiet_nan, Half);
    std::memcpy(p, &halves, sizeof(halves));
  }

  static Float all(float value) { return Float{} + value; }
};

/// max(y, 0); NaN stays NaN.
template <int L>
inline typename Vector<L>::Float relu(typename Vector<L>::Float y) {
  const typename Vector<L>::Float zero{};
  return y < zero ? zero : y;
}

/// dy where a ReLU let y, before or behind it, through; else 0.
template <int L>
inline typename Vector<L>::Float passed_relu(typename Vector<L>::Float dy,
                                             typename Vector<L>::Float y) {
  const typename Vector<L>::Float zero{};
  return y <= zero ? zero : dy;
}

/// Calls body.template operator()<L>(i) for all of [0, size): whole vectors, then one by one.
template <typename F>
void for_vectors(Index size, F&& body) {
  Index i = 0;
  for (; i + 16 <= size; i += 16) body.template operator()<16>(i);
  for (; i < size; ++i) body.template operator()<1>(i);
}

/// Calls body.template operator()<L>() with L = lanes: 16, 8 or 1.
template <typename F>
void with_lanes(int lanes, F&& body) {
  switch (lanes) {
    case 16: return body.template operator()<16>();
    case 8: return body.template operator()<8>();
    default: return body.template operator()<1>();
  }
}

}  // namespace kindred
