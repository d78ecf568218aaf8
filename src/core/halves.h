#pragma once
// Vectors longer than a register, as halves. GCC has such vectors of its own, but where there is no
// register of 64 bytes GCC 12 compares, selects and converts them number by number.
#include <type_traits>
#include <utility>

#include "core/register.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Two of a vector, which may be of halves itself. It computes as the vectors do, lane by lane.
template <typename Half>
struct Halves {
  using Number = std::remove_cvref_t<decltype(std::declval<Half>()[0])>;
  using Mask = Halves<decltype(std::declval<Half>() < std::declval<Half>())>;
  static constexpr Index kHalf = static_cast<Index>(sizeof(Half) / sizeof(Number));

  Half low;
  Half high;

  KINDRED_INLINE Number operator[](Index l) const { return l < kHalf ? low[l] : high[l - kHalf]; }

  friend KINDRED_INLINE Halves operator-(const Halves& a) { return {-a.low, -a.high}; }
  friend KINDRED_INLINE Halves operator~(const Halves& a) { return {~a.low, ~a.high}; }

#define KINDRED_OPERATOR(Result, op)                                           \
  friend KINDRED_INLINE Result operator op(const Halves& a, const Halves& b) { \
    return {a.low op b.low, a.high op b.high};                                 \
  }                                                                            \
  friend KINDRED_INLINE Result operator op(const Halves& a, Number b) {        \
    return {a.low op b, a.high op b};                                          \
  }                                                                            \
  friend KINDRED_INLINE Result operator op(Number a, const Halves& b) {        \
    return {a op b.low, a op b.high};                                          \
  }
#define KINDRED_ARITHMETIC(op)                                                          \
  KINDRED_OPERATOR(Halves, op)                                                          \
  KINDRED_INLINE Halves& operator op##=(const Halves& b) { return *this = *this op b; } \
  KINDRED_INLINE Halves& operator op##=(Number b) { return *this = *this op b; }
  KINDRED_ARITHMETIC(+)
  KINDRED_ARITHMETIC(-)
  KINDRED_ARITHMETIC(*)
  KINDRED_ARITHMETIC(/)
  KINDRED_ARITHMETIC(&)
  KINDRED_ARITHMETIC(|)
  KINDRED_ARITHMETIC(<<)
  KINDRED_ARITHMETIC(>>)
  KINDRED_OPERATOR(Mask, <)
  KINDRED_OPERATOR(Mask, >)
  KINDRED_OPERATOR(Mask, <=)
  KINDRED_OPERATOR(Mask, >=)
  KINDRED_OPERATOR(Mask, ==)
  KINDRED_OPERATOR(Mask, !=)
#undef KINDRED_ARITHMETIC
#undef KINDRED_OPERATOR
};

template <typename Half>
KINDRED_INLINE Halves<Half> join(const Half& low, const Half& high) {
  return {low, high};
}

/// 64 bytes made of a register's vector.
template <typename Vector>
using Whole = std::conditional_t<
    sizeof(Vector) == 64, Vector,
    std::conditional_t<sizeof(Vector) == 32, Halves<Vector>, Halves<Halves<Vector>>>>;

// What register.h has for a register, for halves.

template <typename Half>
KINDRED_INLINE void read(const typename Halves<Half>::Number* from, Halves<Half>& v) {
  read(from, v.low);
  read(from + Halves<Half>::kHalf, v.high);
}

template <typename Number, typename Half>
KINDRED_INLINE void write(Number* to, const Halves<Half>& v) {
  write(to, v.low);
  write(to + Halves<Half>::kHalf, v.high);
}

template <typename Mask, typename Half>
KINDRED_INLINE Halves<Half> select(const Halves<Mask>& mask, const Halves<Half>& yes,
                                   const Halves<Half>& no) {
  return {select(mask.low, yes.low, no.low), select(mask.high, yes.high, no.high)};
}

template <typename Half>
KINDRED_INLINE Halves<Half> max(const Halves<Half>& a, const Halves<Half>& b) {
  return {max(a.low, b.low), max(a.high, b.high)};
}
template <typename Half>
KINDRED_INLINE Halves<Half> min(const Halves<Half>& a, const Halves<Half>& b) {
  return {min(a.low, b.low), min(a.high, b.high)};
}
template <typename Half>
KINDRED_INLINE Halves<Half> abs(const Halves<Half>& a) {
  return {abs(a.low), abs(a.high)};
}

template <typename Half>
KINDRED_INLINE bool any(const Halves<Half>& mask) {
  return any(mask.low | mask.high);
}

template <typename Half>
KINDRED_INLINE Halves<Half> sqrt(const Halves<Half>& x) {
  return {sqrt(x.low), sqrt(x.high)};
}

template <typename Half>
KINDRED_INLINE auto to_int(const Halves<Half>& x) {
  return join(to_int(x.low), to_int(x.high));
}
template <typename Half>
KINDRED_INLINE auto to_scalar(const Halves<Half>& x) {
  return join(to_scalar(x.low), to_scalar(x.high));
}
template <typename Half>
KINDRED_INLINE auto bits_of(const Halves<Half>& x) {
  return join(bits_of(x.low), bits_of(x.high));
}
template <typename Half>
KINDRED_INLINE auto of_bits(const Halves<Half>& x) {
  return join(of_bits(x.low), of_bits(x.high));
}

/// The numbers in double.
#if defined(KINDRED_DOUBLE)
KINDRED_INLINE Register widen(const Register& x) { return x; }
#else
KINDRED_INLINE Halves<DoubleRegister> widen(const Register& x) {
#if defined(__AVX512DQ__)
  // GCC 12 takes eight instructions for what is one, or two. Masks as in sqrt().
  const auto floats = reinterpret_cast<__m512>(x);
  return {reinterpret_cast<DoubleRegister>(
              _mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, floats, 0))),
          reinterpret_cast<DoubleRegister>(
              _mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, floats, 1)))};
#elif defined(__AVX2__)
  const auto floats = reinterpret_cast<__m256>(x);
  return {reinterpret_cast<DoubleRegister>(_mm256_cvtps_pd(_mm256_castps256_ps128(floats))),
          reinterpret_cast<DoubleRegister>(_mm256_cvtps_pd(_mm256_extractf128_ps(floats, 1)))};
#else
  const auto floats = reinterpret_cast<__m128>(x);
  return {reinterpret_cast<DoubleRegister>(_mm_cvtps_pd(floats)),
          reinterpret_cast<DoubleRegister>(_mm_cvtps_pd(_mm_movehl_ps(floats, floats)))};
#endif
}
#endif
template <typename Half>
KINDRED_INLINE auto widen(const Halves<Half>& x) {
  return join(widen(x.low), widen(x.high));
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
