#include "kindred/core/matmul.h"

namespace kindred {
namespace {

constexpr Index kRows = 8;  // rows of dst a task owns

template <typename T, typename A, typename B>
void multiply(const Workers& workers, BasicView<T> dst, Index depth, Accumulate accumulate,
              const A& a, const B& b) {
  workers.for_blocks(dst.rows(), kRows, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) {
      for (Index j = 0; j < dst.cols(); ++j) {
        T sum = accumulate == Accumulate::yes ? dst(i, j) : T{0};
        for (Index k = 0; k < depth; ++k) sum += a(i, k) * b(k, j);
        dst(i, j) = sum;
      }
    }
  });
}

}  // namespace

template <typename T>
void multiply_nt(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate) {
  multiply(
      workers, dst, a.cols(), accumulate, [&](Index i, Index k) { return a(i, k); },
      [&](Index k, Index j) { return b(j, k); });
}
template <typename T>
void multiply_nn(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate) {
  multiply(
      workers, dst, a.cols(), accumulate, [&](Index i, Index k) { return a(i, k); },
      [&](Index k, Index j) { return b(k, j); });
}
template <typename T>
void multiply_tn(const Workers& workers, BasicView<const T> a, BasicView<const T> b,
                 BasicView<T> dst, Accumulate accumulate) {
  multiply(
      workers, dst, a.rows(), accumulate, [&](Index i, Index k) { return a(k, i); },
      [&](Index k, Index j) { return b(k, j); });
}

#define KINDRED_INSTANTIATE(T)                                                         \
  template void multiply_nt<T>(const Workers&, BasicView<const T>, BasicView<const T>, \
                               BasicView<T>, Accumulate);                              \
  template void multiply_nn<T>(const Workers&, BasicView<const T>, BasicView<const T>, \
                               BasicView<T>, Accumulate);                              \
  template void multiply_tn<T>(const Workers&, BasicView<const T>, BasicView<const T>, \
                               BasicView<T>, Accumulate);
KINDRED_INSTANTIATE(float)
KINDRED_INSTANTIATE(double)
#undef KINDRED_INSTANTIATE

}  // namespace kindred
