#include "nn/kernels/elementwise_kernels.h"

#include "nn/kernels/vector.h"

namespace kindred {
namespace {

template <typename T>
void relu_forward(const T* x, Index size, T* y) {
  for_vectors(size,
              [&]<int L>(Index i) { Vector<L>::store(y + i, relu<L>(Vector<L>::load(x + i))); });
}

template <typename T>
void relu_backward(const T* dy, const T* y, Index size, T* dx) {
  for_vectors(size, [&]<int L>(Index i) {
    using V = Vector<L>;
    V::store(dx + i, passed_relu<L>(V::load(dy + i), V::load(y + i)));
  });
}

template <bool kRelu, typename T>
void add(const T* a, const T* b, Index size, T* y) {
  for_vectors(size, [&]<int L>(Index i) {
    using V = Vector<L>;
    const auto value = V::load(a + i) + V::load(b + i);
    V::store(y + i, kRelu ? relu<L>(value) : value);
  });
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
constexpr ElementwiseKernels<T> kKernels{relu_forward<T>, relu_backward<T>, add<false, T>,
                                         add<true, T>, drop<T>};

}  // namespace

KINDRED_OFFER(ElementwiseKernels<float>, kKernels<float>);
KINDRED_OFFER(ElementwiseKernels<Bfloat16>, kKernels<Bfloat16>);

}  // namespace kindred
