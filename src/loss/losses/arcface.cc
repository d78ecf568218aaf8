#include "loss/bases/angular_margin.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  return make_angular_margin(section, context, table, 1);
}

}  // namespace

LossEntry arcface_loss() {
  return {"arcface", "cosines with an angular margin (Deng et al. 2019)", LearnsFrom::classes,
          make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
