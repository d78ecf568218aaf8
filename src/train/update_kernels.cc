#include "train/update_kernels.h"

#include "core/lanes.h"

namespace kindred {
namespace {

void adam(const AdamStep& step, const float* gradient, float* weights, float* means, float* squares,
          Index count) {
  const AdamStep s = step;  // no store can change it: it stays in registers
  for (Index j = 0; j < count; j += kLanes) {
    const Index rest = count - j;
    const Lanes w = load_most(weights + j, rest);
    const Lanes slope = s.gradient_scale * load_most(gradient + j, rest) + s.added_decay * w;
    const Lanes m = s.beta1 * load_most(means + j, rest) + s.rest1 * slope;
    const Lanes v = s.beta2 * load_most(squares + j, rest) + s.rest2 * (slope * slope);
    store_most(means + j, rest, m);
    store_most(squares + j, rest, v);
    store_most(weights + j, rest, s.keep * w - s.stride * m / (s.root * sqrt(v) + s.epsilon));
  }
}

template <bool momentum, bool nesterov>
void sgd_loop(const SgdStep& step, const float* gradient, float* weights, float* moments,
              Index count) {
  const SgdStep s = step;
  for (Index j = 0; j < count; j += kLanes) {
    const Index rest = count - j;
    const Lanes w = load_most(weights + j, rest);
    const Lanes slope = s.gradient_scale * load_most(gradient + j, rest) + s.decay * w;
    Lanes move = slope;
    if constexpr (momentum) {
      const Lanes v = s.momentum * load_most(moments + j, rest) + slope;
      store_most(moments + j, rest, v);
      move = nesterov ? slope + s.momentum * v : v;
    }
    store_most(weights + j, rest, w - s.rate * move);
  }
}

void sgd(const SgdStep& step, const float* gradient, float* weights, float* moments, Index count) {
  if (moments == nullptr) {
    sgd_loop<false, false>(step, gradient, weights, moments, count);
  } else if (step.nesterov) {
    sgd_loop<true, true>(step, gradient, weights, moments, count);
  } else {
    sgd_loop<true, false>(step, gradient, weights, moments, count);
  }
}

void average(float rest, const float* weights, float* mean, Index count) {
  for (Index j = 0; j < count; j += kLanes) {
    const Lanes m = load_most(mean + j, count - j);
    store_most(mean + j, count - j, m + rest * (load_most(weights + j, count - j) - m));
  }
}

double sum_of_squares(const float* values, Index count) { return dot(values, values, count); }

}  // namespace

KINDRED_OFFER(UpdateKernels, {adam, sgd, average, sum_of_squares});

}  // namespace kindred
