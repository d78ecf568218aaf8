#include "eval/scores/exact_kernels.h"

#include <cstring>
#include <utility>

#include "core/register.h"

namespace kindred {
namespace {

using Doubles = RegisterOf<double>;

constexpr Index kSums = 16;
constexpr Index kDoubles = kRegisterBytes / static_cast<Index>(sizeof(double));
constexpr std::size_t kVectors = kSums / kDoubles;

inline Doubles load(const double* from) {
  Doubles v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}
inline Doubles load(const float* from) {
  Doubles v;
  widen(from, v);
  return v;
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

template <Index half, std::size_t... i>
[[gnu::always_inline]] inline Doubles moved_down(const Doubles& v, std::index_sequence<i...>) {
  return __builtin_shufflevector(v, v, (static_cast<Index>(i) + half) % kDoubles...);
}

/// The numbers' sum by halves: number i + half is added to number i.
template <Index half = kDoubles / 2>
[[gnu::always_inline]] inline double sum_by_halves(Doubles v) {
  if constexpr (half > 0) {
    v += moved_down<half>(v, std::make_index_sequence<static_cast<std::size_t>(kDoubles)>{});
    return sum_by_halves<half / 2>(v);
  } else {
    return v[0];
  }
}

/// Sixteen sums, of which number k of a row goes to k mod 16.
class Sums {
 public:
  /// For the sixteen numbers from k on.
  template <typename Term, typename A, typename B>
  [[gnu::always_inline]] void add(const A* a, const B* b, Index k) {
    add_vectors<Term>(a + k, b + k, std::make_index_sequence<kVectors>{});
  }
  /// For what is left of them: numbers [k, size).
  template <typename Term, typename A, typename B>
  [[gnu::always_inline]] void add_rest(const A* a, const B* b, Index k, Index size) {
    if (k == size) return;
    double lanes[kSums];
    std::memcpy(lanes, sums_, sizeof(lanes));
    for (Index i = 0; k < size; ++i, ++k) {
      lanes[i] += Term::of(static_cast<double>(a[k]), static_cast<double>(b[k]));
    }
    std::memcpy(sums_, lanes, sizeof(lanes));
  }
  [[gnu::always_inline]] double total() {
    for (std::size_t half = kVectors / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) sums_[i] += sums_[i + half];
    }
    return sum_by_halves(sums_[0]);
  }

 private:
  template <typename Term, typename A, typename B, std::size_t... v>
  [[gnu::always_inline]] void add_vectors(const A* a, const B* b, std::index_sequence<v...>) {
    ((sums_[v] += Term::of(load(a + static_cast<Index>(v) * kDoubles),
                           load(b + static_cast<Index>(v) * kDoubles))),
     ...);
  }
  Doubles sums_[kVectors] = {};
};

template <typename Term, typename B>
double sum(const double* a, const B* b, Index size) {
  Sums sums;
  Index k = 0;
  for (; k + kSums <= size; k += kSums) sums.add<Term>(a, b, k);
  sums.add_rest<Term>(a, b, k, size);
  return sums.total();
}

template <typename Term>
void sums(const double* a, const ExactKernels::Rows& rows, double* dst) {
  for (Index i = 0; i < rows.count; ++i) {
    dst[i] = sum<Term>(a, rows.first + i * rows.stride, rows.size);
  }
}

template <typename Term>
void sums_and_squares(const double* a, const ExactKernels::Rows& rows, Index ahead, double* dst,
                      double* squares) {
  constexpr Index kLine = 64 / static_cast<Index>(sizeof(float));
  for (Index i = 0; i < rows.count; ++i) {
    const float* const row = rows.first + i * rows.stride;
    Sums of_both;
    Sums of_itself;
    Index k = 0;
    for (; k + kSums <= rows.size; k += kSums) {
      static_assert(kSums == kLine);
      __builtin_prefetch(row + k + ahead);
      of_both.add<Term>(a, row, k);
      of_itself.add<Product>(row, row, k);
    }
    of_both.add_rest<Term>(a, row, k, rows.size);
    of_itself.add_rest<Product>(row, row, k, rows.size);
    dst[i] = of_both.total();
    squares[i] = of_itself.total();
  }
}

}  // namespace

KINDRED_OFFER(ExactKernels,
              {sums<Product>, sums<SquaredDifference>, sums_and_squares<Product>,
               sums_and_squares<SquaredDifference>, sum<Product, float>, sum<Product, double>,
               sum<SquaredDifference, float>, sum<SquaredDifference, double>});

}  // namespace kindred
