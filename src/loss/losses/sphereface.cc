#include "loss/bases/margins.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Cross-entropy of scale · ‖x‖ · cosines, the own class's angle multiplied by `margin`.
class Sphereface : public CrossEntropyHead {
 public:
  Sphereface(const LossContext& context, ParameterTable& table, const HeadSettings& head,
             double margin)
      : CrossEntropyHead(context, table, head), margin_(margin) {}

 private:
  Derived target(double cosine) const override { return multiplied_angle(cosine, margin_, 0); }

  double margin_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  head.normalize = true;
  head.scale_by_length = true;
  double margin = 4;
  read_scale(section, head);
  section.read("margin", margin, "factor of the own class's angle", {1, 8});
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<Sphereface>(context, table, head, margin);
}

}  // namespace

LossEntry sphereface_loss() {
  return {"sphereface", "cosines of a multiplied angle (Liu et al. 2017)", LearnsFrom::classes,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
