#include "nn/channels/gem_kernels.h"

#include "nn/channels/channel_loops.h"
#include "nn/kernels/vector_math.h"

namespace kindred {
namespace {

/// max(x, epsilon); NaN stays NaN.
template <int L>
typename Vector<L>::Float clamped(typename Vector<L>::Float x, float epsilon) {
  const auto least = Vector<L>::all(epsilon);
  return x < least ? least : x;
}

template <typename T>
void forward(const GemPlan& plan, float power, const T* x, float* largest, float* means, T* y) {
  const float share = 1.0F / static_cast<float>(plan.x.pixels());
  for_pieces(plan, all_groups(plan), [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    const T* pixels = x + piece.x;
    auto g = V::all(plan.epsilon);
    for (Index p = 0; p < plan.x.pixels(); ++p) {
      const auto v = V::load(pixels + p * plan.x.pixel_stride);
      g = v <= g ? g : v;
    }
    const auto log_g = logarithm<L>(g);
    ChainedSum<L> sum;
    ChainedSum<L>::for_pixels(plan.x.pixels(), [&](Index p, int chain) {
      const auto v = clamped<L>(V::load(pixels + p * plan.x.pixel_stride), plan.epsilon);
      sum.add(chain, exponential<L>((logarithm<L>(v) - log_g) * power));
    });
    const auto mean = sum.total() * share;
    V::store(largest + piece.channel, g);
    V::store(means + piece.channel, mean);
    V::store(y + piece.y, g * exponential<L>(logarithm<L>(mean) / power));
  });
  for (Index c = plan.channels; c < plan.y.C; ++c) Vector<1>::store(y + c, Vector<1>::all(0.0F));
}

/// With u = v / g, m the mean of u^p, and y = g m^(1/p):
///   dy / dx = m^(1/p) / m * u^(p - 1) / N          where x >= epsilon, else 0
///   dy / dp = y (the mean of u^p log u / m - log m / p) / p
template <typename T>
double backward(const GemPlan& plan, float power, const T* x, const float* largest,
                const float* means, const T* dy, T* dx) {
  const float share = 1.0F / static_cast<float>(plan.x.pixels());
  double total = 0;
  for_pieces(plan, all_groups(plan), [&]<int L>(const Piece& piece) {
    using V = Vector<L>;
    const auto g = V::load(largest + piece.channel);
    const auto mean = V::load(means + piece.channel);
    const auto log_g = logarithm<L>(g);
    const auto log_mean = logarithm<L>(mean);
    const auto root = exponential<L>(log_mean / power);  // y / g
    const auto diff = V::load(dy + piece.y);
    const auto factor = diff * root / mean * share;
    ChainedSum<L> logs;
    ChainedSum<L>::for_pixels(plan.x.pixels(), [&](Index p, int chain) {
      const Index at = piece.x + p * plan.x.pixel_stride;
      const auto value = V::load(x + at);
      const auto v = clamped<L>(value, plan.epsilon);
      const auto log_u = logarithm<L>(v) - log_g;
      logs.add(chain, exponential<L>(log_u * power) * log_u);
      if (dx == nullptr) return;
      const auto slope = factor * exponential<L>(log_u * (power - 1.0F));
      V::store(dx + at, V::where_not(value < plan.epsilon, slope));
    });
    float terms[L];
    V::store(terms, diff * g * root * (logs.total() * share / mean - log_mean / power) / power);
    for (int l = 0; l < L; ++l) {
      if (piece.channel + l < plan.channels) total += static_cast<double>(terms[l]);
    }
  });
  return total;
}

template <typename T>
constexpr GemKernels<T> kGemKernels{forward<T>, backward<T>};

}  // namespace

#define KINDRED_OFFER_OF(T) KINDRED_OFFER(GemKernels<T>, kGemKernels<T>)
KINDRED_FOR_NUMBERS(KINDRED_OFFER_OF);
#undef KINDRED_OFFER_OF

}  // namespace kindred
