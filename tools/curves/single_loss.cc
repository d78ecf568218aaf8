#include "curves/single_loss.h"

#include <algorithm>

namespace kindred::tools {

SingleLoss::SingleLoss(const std::string& name, const std::vector<std::string>& assignments,
                       const LossContext& context) {
  std::string known(find_loss(name).name);
  recipe_.root().append("loss").read("name", known, "");
  for (const std::string& assignment : assignments) recipe_.set("loss.0." + assignment);
  objective_ = std::make_unique<Objective>(recipe_.root(), context, table_, state_);
  recipe_.finish();
  parameters_ = Buffer<float>(table_.size());
  gradient_ = Buffer<float>(table_.size());
  objective_->initialise(context.seed, parameters_.span());
}

const LossReport& SingleLoss::compute(const Workers& workers, LossInput input,
                                      MatrixView diff_embeddings) {
  input.parameters = parameters_.span();
  objective_->compute(workers, input, diff_embeddings, gradient_.span());
  return objective_->reports()[0];
}

MatrixView SingleLoss::first_segment(Buffer<float>& flat) const {
  if (table_.segments().empty()) return {};
  const Segment& segment = table_.segments()[0];
  const Index rows = segment.shape.empty() ? 1 : segment.shape[0];
  return {flat.data() + segment.offset, rows, segment.size / std::max<Index>(rows, 1)};
}

MatrixView SingleLoss::centers() {
  for (const auto& array : state_.arrays()) {
    if (array->name.ends_with("centers") && array->shape.size() == 2) {
      return {array->as<float>().data(), array->shape[0], array->shape[1]};
    }
  }
  return {};
}

}  // namespace kindred::tools
