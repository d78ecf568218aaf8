#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings settings;
  settings.normalize = true;
  settings.scale = 20;
  read_scale(section, settings);
  read_label_smoothing(section, settings);
  read_learning_rate_factor(section, settings);
  read_class_share(section, settings);
  return std::make_unique<CrossEntropyHead>(context, table, settings);
}

}  // namespace

LossEntry normalized_softmax_loss() {
  return {"normalized_softmax", "cross-entropy of scaled cosines (Zhai & Wu 2019)",
          LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
