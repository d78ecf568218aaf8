#include <cmath>

#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// −(1 − p_y)^gamma log p_y: cross-entropy that gives less to rows already right.
class Focal : public CrossEntropyHead {
 public:
  Focal(const LossContext& context, ParameterTable& table, const HeadSettings& head, double gamma)
      : CrossEntropyHead(context, table, head), gamma_(gamma) {}

 private:
  Derived row_loss(double cross_entropy) const override {
    const double wrong = -std::expm1(-cross_entropy);  // 1 − p
    const double weight = std::pow(wrong, gamma_);
    const double ratio = wrong > 0 ? cross_entropy / wrong : 1;
    return {weight * cross_entropy, weight * (1 + gamma_ * (1 - wrong) * ratio)};
  }

  double gamma_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  double gamma = 2;
  section.read("gamma", gamma, "power of the wrong share; 0 is cross-entropy", {0, 20});
  section.read("normalize", head.normalize, "cosines of unit rows instead of the plain product");
  read_scale(section, head);
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<Focal>(context, table, head, gamma);
}

}  // namespace

LossEntry focal_loss() {
  return {"focal", "cross-entropy for the hard rows (Lin et al. 2017)", LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
