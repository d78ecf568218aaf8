#pragma once
// Fixed-width vector arithmetic: 64 bytes of Scalars at a time, whatever the machine's registers
// hold, so that sums have the same written order on every instruction set. GCC and clang vector
// extensions: one vector where a register holds as much, halves (halves.h) where not.
#include <cmath>
#include <limits>

#include "core/halves.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

inline constexpr Index kLanes = 64 / static_cast<Index>(sizeof(Scalar));

using Lanes = Whole<Register>;
/// Also what a comparison of Lanes gives: all bits set where true.
using IntLanes = Whole<IntRegister>;

KINDRED_INLINE Lanes broadcast(Scalar x) { return Lanes{} + x; }
KINDRED_INLINE IntLanes broadcast_int(LaneInt x) { return IntLanes{} + x; }

KINDRED_INLINE Lanes load(const Scalar* from) {
  Lanes v;
  read(from, v);
  return v;
}
KINDRED_INLINE IntLanes load(const LaneInt* from) {
  IntLanes v;
  read(from, v);
  return v;
}
KINDRED_INLINE void store(Scalar* to, const Lanes& v) { write(to, v); }
KINDRED_INLINE void store(LaneInt* to, const IntLanes& v) { write(to, v); }

/// 0, 1, 2, ... + first.
KINDRED_INLINE IntLanes count_from(Index first) {
  LaneInt numbers[kLanes];
  for (Index l = 0; l < kLanes; ++l) numbers[l] = static_cast<LaneInt>(l);
  return load(numbers) + static_cast<LaneInt>(first);
}

/// The first `n` (< kLanes) numbers, then `fill`.
KINDRED_INLINE Lanes load_part(const Scalar* from, Index n, Scalar fill) {
  Scalar numbers[kLanes];
  store(numbers, broadcast(fill));
  std::memcpy(numbers, from, static_cast<std::size_t>(n) * sizeof(Scalar));
  return load(numbers);
}
KINDRED_INLINE void store_part(Scalar* to, Index n, const Lanes& v) {
  Scalar numbers[kLanes];
  store(numbers, v);
  std::memcpy(to, numbers, static_cast<std::size_t>(n) * sizeof(Scalar));
}

/// The first min(n, kLanes) numbers, zeros behind; and a store of as many.
KINDRED_INLINE Lanes load_most(const Scalar* from, Index n) {
  return n >= kLanes ? load(from) : load_part(from, n, 0);
}
KINDRED_INLINE void store_most(Scalar* to, Index n, const Lanes& v) {
  if (n >= kLanes) {
    store(to, v);
  } else {
    store_part(to, n, v);
  }
}

/// The first `n` lanes, `fill` behind.
KINDRED_INLINE Lanes first_lanes(const Lanes& v, Index n, Scalar fill = 0) {
  return select(count_from(0) < static_cast<LaneInt>(n), v, broadcast(fill));
}

/// A running sum in double: lane l of every vector goes to its own double; total() adds eight lanes
/// at a time from the first to the last, and these sums.
class LaneSum {
 public:
  KINDRED_INLINE void add(const Lanes& v) { sums_ += widen(v); }
  KINDRED_INLINE void add_product(const Lanes& a, const Lanes& b) { sums_ += widen(a) * widen(b); }
  KINDRED_INLINE double total() const {
    double sums[kLanes];
    write(sums, sums_);
    double total = 0;
    for (Index l = 0; l < 8; ++l) total += sums[l];
    if constexpr (kLanes == 16) {
      double rest = 0;
      for (Index l = 8; l < 16; ++l) rest += sums[l];
      total += rest;
    }
    return total;
  }
  double lane(Index l) const { return sums_[l]; }

 private:
  decltype(widen(Lanes{})) sums_{};
};

KINDRED_INLINE Scalar largest(const Lanes& v) {
  Scalar best = v[0];
  for (Index l = 1; l < kLanes; ++l) best = v[l] > best ? v[l] : best;
  return best;
}

/// Sum of a[i] b[i] over [0, n), in double.
KINDRED_INLINE double dot(const Scalar* a, const Scalar* b, Index n) {
  LaneSum sum;
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) sum.add_product(load(a + i), load(b + i));
  if (i < n) sum.add_product(load_part(a + i, n - i, 0), load_part(b + i, n - i, 0));
  return sum.total();
}

/// Sum of (a[i] - b[i])² over [0, n), in double: exactly 0 for equal rows.
KINDRED_INLINE double squared_difference(const Scalar* a, const Scalar* b, Index n) {
  LaneSum sum;
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Lanes d = load(a + i) - load(b + i);
    sum.add_product(d, d);
  }
  if (i < n) {
    const Lanes d = load_part(a + i, n - i, 0) - load_part(b + i, n - i, 0);
    sum.add_product(d, d);
  }
  return sum.total();
}

/// e^x. Our own in float, so that the bits follow neither the C library nor its choice by machine;
/// relative error below 2e-7 (tested). 0 below -87.3, largest finite numbers above 88.
#if defined(KINDRED_DOUBLE)
template <typename Function>
KINDRED_INLINE Lanes for_each(const Lanes& x, Function function) {
  double numbers[kLanes];
  store(numbers, x);
  for (double& number : numbers) number = function(number);
  return load(numbers);
}
KINDRED_INLINE Lanes exp(const Lanes& x) {
  return for_each(x, [](double number) { return std::exp(number < 709.0 ? number : 709.0); });
}
KINDRED_INLINE Lanes log(const Lanes& x) {
  return for_each(x, [](double number) { return std::log(number); });
}
KINDRED_INLINE Lanes log1p_of_unit(const Lanes& x) {
  return for_each(x, [](double number) { return std::log1p(number); });
}
#else
KINDRED_INLINE Lanes exp(const Lanes& x) {
  const Lanes bounded = min(max(x, broadcast(-88.0F)), broadcast(88.0F));
  // x = n ln 2 + r with |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to an integer.
  constexpr float kRound = 12582912.0F;
  const Lanes n = (bounded * 1.44269504F + kRound) - kRound;
  const Lanes r = (bounded - n * 0.693359375F) - n * -2.12194440e-4F;
  Lanes p = broadcast(1.9875691500e-4F);  // Cephes expf
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const IntLanes exponent = (to_int(n) + 127) << 23;
  const Lanes y = p * of_bits(exponent);
  return select(x < -87.3F, Lanes{}, y);
}
/// log x for normal x > 0: error below 2e-7 of the greater of 1 and |log x|.
KINDRED_INLINE Lanes log(const Lanes& x) {
  // x = 2^n m with m in [√½, √2): the bits of √½ are taken off before the exponent is cut.
  constexpr LaneInt kRootHalf = 0x3f3504f3;
  const IntLanes bits = bits_of(x) - kRootHalf;
  const IntLanes n = bits >> 23;
  const IntLanes mantissa = (bits & 0x007fffff) + kRootHalf;
  const Lanes x1 = of_bits(mantissa) - 1.0F;
  const Lanes x2 = x1 * x1;
  Lanes p = broadcast(7.0376836292e-2F);  // Cephes logf: no division
  p = p * x1 - 1.1514610310e-1F;
  p = p * x1 + 1.1676998740e-1F;
  p = p * x1 - 1.2420140846e-1F;
  p = p * x1 + 1.4249322787e-1F;
  p = p * x1 - 1.6668057665e-1F;
  p = p * x1 + 2.0000714765e-1F;
  p = p * x1 - 2.4999993993e-1F;
  p = p * x1 + 3.3333331174e-1F;
  const Lanes exponent = to_scalar(n);
  const Lanes small = x1 * x2 * p - exponent * 2.12194440e-4F - 0.5F * x2;
  return x1 + small + exponent * 0.693359375F;
}
/// log(1 + x) for x in [0, 1]: 2 artanh(x / (2 + x)) by its series; relative error below 2e-7.
KINDRED_INLINE Lanes log1p_of_unit(const Lanes& x) {
  const Lanes t = x / (x + 2.0F);
  const Lanes t2 = t * t;
  Lanes p = broadcast(1.0F / 15);
  p = p * t2 + 1.0F / 13;
  p = p * t2 + 1.0F / 11;
  p = p * t2 + 1.0F / 9;
  p = p * t2 + 1.0F / 7;
  p = p * t2 + 1.0F / 5;
  p = p * t2 + 1.0F / 3;
  return 2.0F * (t + t * t2 * p);
}
#endif

/// log(1 + e^x), without overflow.
KINDRED_INLINE Lanes softplus(const Lanes& x) {
  return max(x, Lanes{}) + log1p_of_unit(exp(-abs(x)));
}
/// 1 / d for d in [1, 2]; relative error below 2e-7. A division takes as long as all of exp.
KINDRED_INLINE Lanes inverse_of_one_to_two(const Lanes& d) {
#if defined(KINDRED_DOUBLE)
  return 1 / d;
#else
  Lanes r = 24.0F / 17 - 8.0F / 17 * d;  // within 1/17 of it: three steps of Newton's
  for (int step = 0; step < 3; ++step) r += r * (1.0F - d * r);
  return r;
#endif
}
/// 1 / (1 + e^-x), the derivative of softplus, and its own derivative.
struct Sigmoid {
  KINDRED_INLINE explicit Sigmoid(const Lanes& x) {
    const Lanes e = exp(-abs(x));
    const Lanes large = inverse_of_one_to_two(e + 1);
    const Lanes small = e * large;
    value = select(x < 0, small, large);
    slope = small * large;
  }
  Lanes value;
  Lanes slope;
};
KINDRED_INLINE Lanes sigmoid(const Lanes& x) { return Sigmoid(x).value; }

}  // namespace KINDRED_SCALAR
}  // namespace kindred
