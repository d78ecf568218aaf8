#include "loss/cross_entropy_head.h"

namespace kindred {
inline namespace KINDRED_SCALAR {
namespace {

/// −log softmax(scale · W x)_y: the head as it is.
std::unique_ptr<Loss> make(Section section, const LossContext& context, ParameterTable& table,
                           State& /*state*/) {
  HeadSettings settings;
  section.read("normalize", settings.normalize,
               "cosines of unit rows instead of the plain product");
  section.read("scale", settings.scale, "factor of the products", {1e-6, 1e4});
  section.read("label_smoothing", settings.label_smoothing,
               "probability spread evenly over all classes", {0, 1});
  read_learning_rate_factor(section, settings);
  return std::make_unique<CrossEntropyHead>(context, table, settings);
}

}  // namespace

LossEntry softmax_loss() {
  return {"softmax", "cross-entropy over class weights", true, false, make};
}

}  // namespace KINDRED_SCALAR
}  // namespace kindred
