#pragma once
// e^x, log x and 1 / (1 + e^-x) on vectors: our own, so that the bits follow neither the C library
// nor its choice by machine. The polynomials are those of core/lanes.h (Cephes).
#include "nn/kernels/vector.h"

namespace kindred {

/// e^x, relative error below 2e-7; 0 below -87.3, e^88 above 88.
template <int L>
inline typename Vector<L>::Float exponential(typename Vector<L>::Float x) {
  using V = Vector<L>;
  using Float = typename V::Float;
  const Float least = V::all(-88.0F);
  const Float most = V::all(88.0F);
  Float bounded = x < least ? least : x;
  bounded = bounded > most ? most : bounded;
  // x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to an integer.
  constexpr float kRound = 12582912.0F;
  const Float n = (bounded * 1.44269504F + kRound) - kRound;
  const Float r = (bounded - n * 0.693359375F) - n * -2.12194440e-4F;
  Float p = V::all(1.9875691500e-4F);
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const auto exponent = (__builtin_convertvector(n, typename V::Int) + 127) << 23;
  const Float y = p * (Float)exponent;
  return V::where_not(x < -87.3F, y);
}

/// log x for normal x > 0; error below 2e-7 of the greater of 1 and |log x|.
template <int L>
inline typename Vector<L>::Float logarithm(typename Vector<L>::Float x) {
  using V = Vector<L>;
  using Float = typename V::Float;
  // x = 2^n m with m in [√½, √2): the bits of √½ are taken off before the exponent is cut.
  constexpr int kRootHalf = 0x3f3504f3;
  const typename V::Int bits = (typename V::Int)x - kRootHalf;
  const typename V::Int n = bits >> 23;
  const typename V::Int mantissa = (bits & 0x007fffff) + kRootHalf;
  const Float x1 = (Float)mantissa - 1.0F;
  const Float x2 = x1 * x1;
  Float p = V::all(7.0376836292e-2F);
  p = p * x1 - 1.1514610310e-1F;
  p = p * x1 + 1.1676998740e-1F;
  p = p * x1 - 1.2420140846e-1F;
  p = p * x1 + 1.4249322787e-1F;
  p = p * x1 - 1.6668057665e-1F;
  p = p * x1 + 2.0000714765e-1F;
  p = p * x1 - 2.4999993993e-1F;
  p = p * x1 + 3.3333331174e-1F;
  const Float exponent = __builtin_convertvector(n, Float);
  const Float small = x1 * x2 * p - exponent * 2.12194440e-4F - 0.5F * x2;
  return x1 + small + exponent * 0.693359375F;
}

/// 1 / (1 + e^-x)
template <int L>
inline typename Vector<L>::Float sigmoid(typename Vector<L>::Float x) {
  using V = Vector<L>;
  const auto below = x < 0.0F;
  const auto e = exponential<L>(below ? x : -x);  // at most 1: neither side overflows
  return (below ? e : V::all(1.0F)) / (e + 1.0F);
}

}  // namespace kindred
