#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kindred/loss/objective.h"

namespace kindred::tools {

/// One loss outside a run, with what it trains and carries.
class SingleLoss {
 public:
  /// `assignments` are settings as "key=value". Fails with ErrorKind::recipe.
  SingleLoss(const std::string& name, const std::vector<std::string>& assignments,
             const LossContext& context);

  /// One step: fills in what of `input` is ours, and writes the gradient by the embeddings.
  const LossReport& compute(const Workers& workers, LossInput input, MatrixView diff_embeddings);

  /// The first of what it trains (class weights, proxies) as one matrix, and the gradient of that;
  /// empty where it trains nothing.
  MatrixView weights() { return first_segment(parameters_); }
  MatrixView weights_gradient() { return first_segment(gradient_); }
  /// Its centers; empty where it has none.
  MatrixView centers();
  /// What stands for the classes: its weights, or else its centers.
  MatrixView class_rows() { return weights().rows() > 0 ? weights() : centers(); }
  /// What it read of its recipe, common keys included.
  const std::vector<Setting>& settings() { return recipe_.root().sections("loss")[0].settings(); }

 private:
  MatrixView first_segment(Buffer<float>& flat) const;

  Recipe recipe_;
  ParameterTable table_;
  State state_;
  std::unique_ptr<Objective> objective_;
  Buffer<float> parameters_;
  Buffer<float> gradient_;
};

}  // namespace kindred::tools
