#include "loss/bases/angular_margin.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// ArcFace where a class has several centers: noisy samples gather at a center of their own.
std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  Index sub_centers = 3;
  section.read("sub_centers", sub_centers, "centers of each class", {1, 64});
  return make_angular_margin(section, context, table, sub_centers);
}

}  // namespace

LossEntry subcenter_arcface_loss() {
  return {"subcenter_arcface", "ArcFace with several centers a class (Deng et al. 2020)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
