#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// Cross-entropy of −softmax_scale · ‖x̂ − p̂‖² over one proxy for each class. As ‖x̂ − p̂‖² = 2 − 2
/// cos, this is the cross-entropy of cosines with twice the scale.
std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings head;
  head.normalize = true;
  double softmax_scale = 1;
  section.read("softmax_scale", softmax_scale, "factor of the squared distances; 9 in Proxy-NCA++",
               {1e-6, 1e4});
  head.scale = 2 * softmax_scale;
  read_learning_rate_factor(section, head);
  read_class_share(section, head);
  return std::make_unique<CrossEntropyHead>(context, table, head);
}

}  // namespace

LossEntry proxy_nca_loss() {
  return {"proxy_nca",
          "nearest of one proxy a class (Movshovitz-Attias et al. 2017, Teh et al. 2020)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
