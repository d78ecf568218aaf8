#include "eval/scores/exact_kernels.h"

#include <cstring>
#include <utility>

#include "core/register.h"

namespace kindred {
namespace {

using Doubles = RegisterOf<double>;
typedef float Floats __attribute__((vector_size(kRegisterBytes / 2)));

constexpr Index kSums = 16;
constexpr Index kDoubles = kRegisterBytes / static_cast<Index>(sizeof(double));
constexpr std::size_t kVectors = kSums / kDoubles;

inline Doubles load(const double* from) {
  Doubles v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}
inline Doubles load(const float* from) {
  Floats v;
  std::memcpy(&v, from, sizeof(v));
  return __builtin_convertvector(v, Doubles);
}

struct Product {
  template <typename T>
  static T of(T a, T b) {
    return a * b;
  }
};
struct SquaredDifference {
  template <typename T>
  static T of(T a, T b) {
    return (a - b) * (a - b);
  }
};

template <typename Term, typename B, std::size_t... v>
[[gnu::always_inline]] inline double sum_of(const double* a, const B* b, Index size,
                                            std::index_sequence<v...>) {
  Doubles sums[kVectors] = {};
  Index k = 0;
  for (; k + kSums <= size; k += kSums) {
    ((sums[v] += Term::of(load(a + k + static_cast<Index>(v) * kDoubles),
                          load(b + k + static_cast<Index>(v) * kDoubles))),
     ...);
  }
  double lanes[kSums];
  std::memcpy(lanes, sums, sizeof(lanes));
  for (Index i = 0; k < size; ++i, ++k) lanes[i] += Term::of(a[k], static_cast<double>(b[k]));
  for (Index half = kSums / 2; half > 0; half /= 2) {
    for (Index i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}

template <typename Term, typename B>
double sum(const double* a, const B* b, Index size) {
  return sum_of<Term>(a, b, size, std::make_index_sequence<kVectors>{});
}

}  // namespace

KINDRED_OFFER(ExactKernels, {sum<Product, float>, sum<Product, double>,
                             sum<SquaredDifference, float>, sum<SquaredDifference, double>});

}  // namespace kindred
