#pragma once
// One register of the level that a kernel is compiled for: its size, its vectors of numbers, and
// what GCC 12's vector extension lacks or compiles badly. The one place that asks which registers
// there are: longer vectors (halves.h, lanes.h), those of nn (nn/kernels/vector.h) and the matrix
// product's tiles are made of these.
#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kindred/core/index.h"
#include "kindred/core/scalar.h"

// The vectors never cross a compiled function's border: everything here is inlined.
#pragma GCC diagnostic ignored "-Wpsabi"
#define KINDRED_INLINE inline __attribute__((always_inline))

namespace kindred {
inline namespace KINDRED_SCALAR {

#if defined(__AVX512F__)
inline constexpr int kRegisterBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kRegisterBytes = 32;
#else
inline constexpr int kRegisterBytes = 16;
#endif

/// One by one, because GCC 12 takes a vector of a template's parameter for a number.
template <typename Number>
struct RegisterTypes;
#define KINDRED_REGISTER(Number)                                      \
  template <>                                                         \
  struct RegisterTypes<Number> {                                      \
    typedef Number type __attribute__((vector_size(kRegisterBytes))); \
  };
KINDRED_REGISTER(float)
KINDRED_REGISTER(double)
KINDRED_REGISTER(std::int32_t)
KINDRED_REGISTER(std::int64_t)
#undef KINDRED_REGISTER

/// A register of Numbers. It computes lane by lane; comparisons give integers of the same width,
/// all bits set where true.
template <typename Number>
using RegisterOf = typename RegisterTypes<Number>::type;

/// An integer as wide as a Scalar: labels and positions beside lanes of Scalars.
using LaneInt = std::conditional_t<sizeof(Scalar) == 4, std::int32_t, std::int64_t>;
using Register = RegisterOf<Scalar>;
using IntRegister = RegisterOf<LaneInt>;
using DoubleRegister = RegisterOf<double>;

KINDRED_INLINE void read(const Scalar* from, Register& v) { std::memcpy(&v, from, sizeof(v)); }
KINDRED_INLINE void read(const LaneInt* from, IntRegister& v) { std::memcpy(&v, from, sizeof(v)); }

template <typename Number>
KINDRED_INLINE void write(Number* to, const Register& v) {
  std::memcpy(to, &v, sizeof(v));
}
template <typename Number>
KINDRED_INLINE void write(Number* to, const IntRegister& v) {
  std::memcpy(to, &v, sizeof(v));
}
/// As many float32 numbers as a register has doubles. GCC 12 converts halves of vectors, in twice
/// the instructions.
KINDRED_INLINE void widen(const float* from, DoubleRegister& v) {
#if defined(__AVX512F__)
  v = reinterpret_cast<DoubleRegister>(_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from)));
#elif defined(__AVX2__)
  v = reinterpret_cast<DoubleRegister>(_mm256_cvtps_pd(_mm_loadu_ps(from)));
#else
  v = DoubleRegister{from[0], from[1]};
#endif
}

#if !defined(KINDRED_DOUBLE)
KINDRED_INLINE void write(double* to, const DoubleRegister& v) { std::memcpy(to, &v, sizeof(v)); }
#endif

KINDRED_INLINE Register select(const IntRegister& mask, const Register& yes, const Register& no) {
  return mask ? yes : no;
}
KINDRED_INLINE IntRegister select(const IntRegister& mask, const IntRegister& yes,
                                  const IntRegister& no) {
  return mask ? yes : no;
}

// b where a lane of either is NaN, and where both are zeros. GCC 12 takes two instructions for the
// plain forms where an operand is a constant.
KINDRED_INLINE Register max(const Register& a, const Register& b) {
#if defined(__AVX512F__)
  return a > b ? a : b;
#elif defined(__AVX2__) && defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(
      _mm256_max_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Register>(
      _mm256_max_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#elif defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(
      _mm_max_pd(reinterpret_cast<__m128d>(a), reinterpret_cast<__m128d>(b)));
#else
  return reinterpret_cast<Register>(
      _mm_max_ps(reinterpret_cast<__m128>(a), reinterpret_cast<__m128>(b)));
#endif
}
KINDRED_INLINE Register min(const Register& a, const Register& b) {
#if defined(__AVX512F__)
  return a < b ? a : b;
#elif defined(__AVX2__) && defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(
      _mm256_min_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Register>(
      _mm256_min_ps(reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b)));
#elif defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(
      _mm_min_pd(reinterpret_cast<__m128d>(a), reinterpret_cast<__m128d>(b)));
#else
  return reinterpret_cast<Register>(
      _mm_min_ps(reinterpret_cast<__m128>(a), reinterpret_cast<__m128>(b)));
#endif
}
KINDRED_INLINE Register abs(const Register& a) { return a < 0 ? -a : a; }

/// Whether any bit is set.
KINDRED_INLINE bool any(const IntRegister& mask) {
#if defined(__AVX512F__)
  const auto bits = reinterpret_cast<__m512i>(mask);
  return _mm512_test_epi64_mask(bits, bits) != 0;
#elif defined(__AVX2__)
  const auto bits = reinterpret_cast<__m256i>(mask);
  return _mm256_testz_si256(bits, bits) == 0;
#else
  const auto bits = reinterpret_cast<__m128i>(mask);
  return _mm_testz_si128(bits, bits) == 0;
#endif
}

/// Bit l is set where lane l of a is not below that of b; none where one of them is NaN.
#if !defined(KINDRED_DOUBLE)
KINDRED_INLINE std::uint32_t bits_not_below(const Register& a, const Register& b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), _CMP_GE_OQ);
#elif defined(__AVX2__)
  return static_cast<std::uint32_t>(_mm256_movemask_ps(reinterpret_cast<__m256>(a >= b)));
#else
  return static_cast<std::uint32_t>(_mm_movemask_ps(reinterpret_cast<__m128>(a >= b)));
#endif
}
#endif

KINDRED_INLINE Register sqrt(const Register& x) {
#if defined(__AVX512F__) && defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(_mm512_maskz_sqrt_pd(0xff, reinterpret_cast<__m512d>(x)));
#elif defined(__AVX512F__)  // masks of ones: GCC 12 warns of its own plain forms (GCC bug 105593)
  return reinterpret_cast<Register>(_mm512_maskz_sqrt_ps(0xffff, reinterpret_cast<__m512>(x)));
#elif defined(__AVX2__) && defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(_mm256_sqrt_pd(reinterpret_cast<__m256d>(x)));
#elif defined(__AVX2__)
  return reinterpret_cast<Register>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#elif defined(KINDRED_DOUBLE)
  return reinterpret_cast<Register>(_mm_sqrt_pd(reinterpret_cast<__m128d>(x)));
#else
  return reinterpret_cast<Register>(_mm_sqrt_ps(reinterpret_cast<__m128>(x)));
#endif
}

/// Towards zero. REQUIRES: it fits.
KINDRED_INLINE IntRegister to_int(const Register& x) {
  return __builtin_convertvector(x, IntRegister);
}
KINDRED_INLINE Register to_scalar(const IntRegister& x) {
  return __builtin_convertvector(x, Register);
}
/// The same bits.
KINDRED_INLINE IntRegister bits_of(const Register& x) { return reinterpret_cast<IntRegister>(x); }
KINDRED_INLINE Register of_bits(const IntRegister& x) { return reinterpret_cast<Register>(x); }

}  // namespace KINDRED_SCALAR
}  // namespace kindred
