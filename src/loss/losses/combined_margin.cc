#include "loss/bases/margins.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Cross-entropy of scaled cosines, the own class's turned into cos(m1 θ + m2) − m3. Past π it goes
/// on falling: as ArcFace does with m1 = 1, else as SphereFace.
class CombinedMargin : public CrossEntropyHead {
 public:
  CombinedMargin(const LossContext& context, ParameterTable& table, const HeadSettings& head,
                 double m1, double m2, double m3)
      : CrossEntropyHead(context, table, head), m1_(m1), m2_(m2), m3_(m3) {}

 private:
  Derived target(double cosine) const override {
    Derived angle = m1_ == 1 ? arc_margin(cosine, m2_, false) : multiplied_angle(cosine, m1_, m2_);
    angle.value -= m3_;
    return angle;
  }

  double m1_;
  double m2_;
  double m3_;
};

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  head.normalize = true;
  head.scale = 64;
  double m1 = 1;
  double m2 = 0.5;
  double m3 = 0;
  read_scale(section, head);
  section.read("m1", m1, "factor of the own class's angle", {1, 8});
  section.read("m2", m2, "added to the own class's angle, in radians", {0, 1.5});
  section.read("m3", m3, "taken from the own class's cosine", {0, 1});
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<CombinedMargin>(context, table, head, m1, m2, m3);
}

}  // namespace

LossEntry combined_margin_loss() {
  return {"combined_margin", "cosines with cos(m1 θ + m2) − m3 (Deng et al. 2019)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
