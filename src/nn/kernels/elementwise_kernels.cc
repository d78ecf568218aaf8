#include "nn/kernels/elementwise_kernels.h"

#include "nn/kernels/activation_loops.h"

namespace kindred {
namespace {

template <typename T>
void activate(Activation activation, const T* x, Index size, T* y) {
  with_activation(activation, [&]<ActivationKind kind>() {
    for_vectors(size, [&]<int L>(Index i) {
      Vector<L>::store(y + i, activated<L, kind>(Vector<L>::load(x + i)));
    });
  });
}

template <typename T>
void activate_backward(Activation activation, const T* dy, const T* x, Index size, T* dx) {
  with_activation(activation, [&]<ActivationKind kind>() {
    for_vectors(size, [&]<int L>(Index i) {
      using V = Vector<L>;
      V::store(dx + i, activation_gradient<L, kind>(V::load(dy + i), V::load(x + i)));
    });
  });
}

template <typename T>
void add_activated(Activation activation, const T* a, const T* b, Index size, T* y) {
  with_activation(activation, [&]<ActivationKind kind>() {
    for_vectors(size, [&]<int L>(Index i) {
      using V = Vector<L>;
      V::store(y + i, activated<L, kind>(V::load(a + i) + V::load(b + i)));
    });
  });
}

template <typename T>
void add(const T* a, const T* b, Index size, T* y) {
  add_activated(Activation{}, a, b, size, y);
}

template <typename T>
void drop(const T* x, const std::uint8_t* kept, float factor, Index size, T* y) {
  for_vectors(size, [&]<int L>(Index i) {
    using V = Vector<L>;
    const auto dropped = V::load_bytes(kept + i) == 0;
    V::store(y + i, V::where_not(dropped, V::load(x + i) * factor));
  });
}

template <typename T>
constexpr ElementwiseKernels<T> kElementwiseKernels{activate<T>, activate_backward<T>, add<T>,
                                                    add_activated<T>, drop<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(ElementwiseKernels<T>, kElementwiseKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
