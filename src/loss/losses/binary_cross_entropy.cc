#include <algorithm>
#include <cmath>

#include "loss/bases/elementwise.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Mean over all numbers of max(x, 0) − x t + log(1 + e^−|x|): the cross-entropy of the
/// probability 1 / (1 + e^−x) with the target t in [0, 1].
class BinaryCrossEntropy : public Elementwise {
 public:
  using Elementwise::Elementwise;

 private:
  Derived term(double x, double target) const override {
    const double small = std::exp(-std::abs(x));
    const double probability = x < 0 ? small / (1 + small) : 1 / (1 + small);
    return {std::max(x, 0.0) - x * target + std::log1p(small), probability - target};
  }
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& /*state*/) {
  return std::make_unique<BinaryCrossEntropy>(section, context);
}

}  // namespace

LossEntry binary_cross_entropy_loss() {
  return {"binary_cross_entropy", "logistic regression on /targets, from logits",
          LearnsFrom::targets, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
