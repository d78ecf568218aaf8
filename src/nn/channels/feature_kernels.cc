#include "nn/channels/feature_kernels.h"

#include <algorithm>
#include <cmath>

#include "nn/kernels/vector.h"

namespace kindred {
namespace {

/// The sum over [0, size) of term.operator()<L>(i), L numbers from i on: register by register in
/// four chains, their lanes and what is left over in double.
template <typename F>
double sum_of(Index size, F&& term) {
  constexpr int R = kRegisterFloats;
  constexpr int kChains = 4;
  using V = Vector<R>;
  typename V::Float chains[kChains] = {};
  Index i = 0;
  for (; i + kChains * R <= size; i += kChains * R) {
    for (int c = 0; c < kChains; ++c) chains[c] += term.template operator()<R>(i + c * R);
  }
  for (; i + R <= size; i += R) chains[0] += term.template operator()<R>(i);
  float lanes[R];
  V::store(lanes, (chains[0] + chains[1]) + (chains[2] + chains[3]));
  double sum = 0;
  for (const float lane : lanes) sum += static_cast<double>(lane);
  for (; i < size; ++i) sum += static_cast<double>(term.template operator()<1>(i)[0]);
  return sum;
}

/// Rows of zeros stay in the gaps between them.
template <typename T>
void clear_gap(const FeaturePlan& plan, T* row) {
  std::fill(row + plan.features, row + plan.stride, T{});
}

template <typename T>
void normalise(const FeaturePlan& plan, double epsilon, const T* x, const float* scale,
               const float* shift, float* means, float* inverses, T* y) {
  const double F = static_cast<double>(plan.features);
  for (Index n = 0; n < plan.S; ++n, x += plan.stride, y += plan.stride) {
    const float mean = static_cast<float>(
        sum_of(plan.features, [&]<int L>(Index i) { return Vector<L>::load(x + i); }) / F);
    const double variance = sum_of(plan.features, [&]<int L>(Index i) {
      const auto d = Vector<L>::load(x + i) - mean;
      return d * d;
    });
    const float inverse = static_cast<float>(1 / std::sqrt(variance / F + epsilon));
    for_vectors(plan.features, [&]<int L>(Index i) {
      using V = Vector<L>;
      V::store(y + i, (V::load(x + i) - mean) * inverse * V::load(scale + i) + V::load(shift + i));
    });
    clear_gap(plan, y);
    means[n] = mean;
    inverses[n] = inverse;
  }
}

/// With z = (x - mean) inverse and g = dy scale: dx = inverse (g - mean of g - z mean of g z).
template <typename T>
void normalise_row_backward(const FeaturePlan& plan, const T* x, const float* scale, float mean,
                            float inverse, const T* dy, T* dx) {
  const double F = static_cast<double>(plan.features);
  const auto g = [&]<int L>(Index i) {
    return Vector<L>::load(dy + i) * Vector<L>::load(scale + i);
  };
  const auto z = [&]<int L>(Index i) { return (Vector<L>::load(x + i) - mean) * inverse; };
  const auto mean_g = static_cast<float>(
      sum_of(plan.features, [&]<int L>(Index i) { return g.template operator()<L>(i); }) / F);
  const auto mean_gz =
      static_cast<float>(sum_of(plan.features,
                                [&]<int L>(Index i) {
                                  return g.template operator()<L>(i) * z.template operator()<L>(i);
                                }) /
                         F);
  for_vectors(plan.features, [&]<int L>(Index i) {
    const auto here = g.template operator()<L>(i) - mean_g - z.template operator()<L>(i) * mean_gz;
    Vector<L>::store(dx + i, here * inverse);
  });
  clear_gap(plan, dx);
}

template <typename T>
void normalise_backward(const FeaturePlan& plan, const T* x, const float* scale, const float* means,
                        const float* inverses, const T* dy, float* dscale, float* dshift, T* dx) {
  std::fill_n(dscale, plan.features, 0.0F);
  std::fill_n(dshift, plan.features, 0.0F);
  for (Index n = 0; n < plan.S; ++n, x += plan.stride, dy += plan.stride) {
    const float mean = means[n];
    const float inverse = inverses[n];
    for_vectors(plan.features, [&]<int L>(Index i) {
      using V = Vector<L>;
      const auto diff = V::load(dy + i);
      const auto z = (V::load(x + i) - mean) * inverse;
      V::store(dscale + i, V::load(dscale + i) + diff * z);
      V::store(dshift + i, V::load(dshift + i) + diff);
    });
    if (dx == nullptr) continue;
    normalise_row_backward(plan, x, scale, mean, inverse, dy, dx);
    dx += plan.stride;
  }
}

template <typename T>
void to_unit(const FeaturePlan& plan, const T* x, float* inverses, T* y) {
  for (Index n = 0; n < plan.S; ++n, x += plan.stride, y += plan.stride) {
    const double length = std::sqrt(sum_of(plan.features, [&]<int L>(Index i) {
      const auto value = Vector<L>::load(x + i);
      return value * value;
    }));
    const bool is_zero = length < static_cast<double>(FeatureKernels<T>::kShortest);
    const float inverse = is_zero ? 0.0F : static_cast<float>(1 / length);
    for_vectors(plan.features,
                [&]<int L>(Index i) { Vector<L>::store(y + i, Vector<L>::load(x + i) * inverse); });
    clear_gap(plan, y);
    inverses[n] = inverse;
  }
}

/// With u = x inverse: dx = (dy - u (u · dy)) inverse.
template <typename T>
void to_unit_backward(const FeaturePlan& plan, const T* x, const float* inverses, const T* dy,
                      T* dx) {
  for (Index n = 0; n < plan.S; ++n, x += plan.stride, dy += plan.stride, dx += plan.stride) {
    const float inverse = inverses[n];
    const auto along = static_cast<float>(sum_of(plan.features, [&]<int L>(Index i) {
      return Vector<L>::load(x + i) * inverse * Vector<L>::load(dy + i);
    }));
    for_vectors(plan.features, [&]<int L>(Index i) {
      using V = Vector<L>;
      V::store(dx + i, (V::load(dy + i) - V::load(x + i) * inverse * along) * inverse);
    });
    clear_gap(plan, dx);
  }
}

template <typename T>
constexpr FeatureKernels<T> kFeatureKernels{normalise<T>, normalise_backward<T>, to_unit<T>,
                                            to_unit_backward<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(FeatureKernels<T>, kFeatureKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
