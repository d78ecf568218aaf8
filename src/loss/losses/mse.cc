#include "loss/bases/elementwise.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Mean over all numbers of (x − t)².
class Mse : public Elementwise {
 public:
  using Elementwise::Elementwise;

 private:
  Derived term(double x, double target) const override {
    return {(x - target) * (x - target), 2 * (x - target)};
  }
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& /*table*/,
                           State& /*state*/) {
  return std::make_unique<Mse>(section, context);
}

}  // namespace

LossEntry mse_loss() {
  return {"mse", "mean squared error to /targets", LearnsFrom::targets, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
