#include "loss/bases/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// −log softmax(scale · W x)_y: the head as it is.
std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings settings;
  section.read("normalize", settings.normalize,
               "cosines of unit rows instead of the plain product");
  read_scale(section, settings);
  read_label_smoothing(section, settings);
  read_learning_rate_factor(section, settings);
  read_class_share(section, settings);
  return std::make_unique<CrossEntropyHead>(context, table, settings);
}

}  // namespace

LossEntry softmax_loss() {
  return {"softmax", "cross-entropy over class weights", LearnsFrom::classes, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
