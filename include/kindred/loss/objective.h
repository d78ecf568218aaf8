#pragma once
#include <memory>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/loss/loss.h"

namespace KINDRED_API kindred {
inline namespace KINDRED_SCALAR {

/// One loss's part in a step, for the log.
struct LossReport {
  std::string name;                 ///< "softmax", or "triplet.2" for the second of a name
  double value = 0;                 ///< before the weight
  double weight = 0;                ///< in this step
  bool scheduled = false;           ///< the weight changes over the run
  std::vector<LossScalar> scalars;  ///< "active_share", ...
};

/// What one loss needs of data and batches.
struct LossNeeds {
  std::string name;  ///< as in LossReport
  LearnsFrom learns_from = LearnsFrom::classes;
  Index memory = 0;           ///< see Loss::memory
  bool takes_memory = false;  ///< `memory` is one of its settings
};

/// The weighted sum of the recipe's [[loss]] tables. Normalises the embeddings once for all losses
/// that want unit vectors and writes the chain rule back once.
class Objective {
 public:
  /// Reads every [[loss]] of `root` (name, weight, and the loss's own settings) and adds
  /// their segments and state behind the network's.
  Objective(Section root, const LossContext& context, ParameterTable& table, State& state);
  ~Objective();

  void initialise(std::uint64_t seed, std::span<Scalar> parameters);
  bool needs_labels() const;
  bool needs_targets() const;
  /// In recipe order.
  const std::vector<LossNeeds>& needs() const;

  /// Returns the weighted sum; NaN where an embedding is not finite. diff_embeddings [B, D] is
  /// overwritten; diff_parameters is written at the losses' segments only. `input.unit` is filled
  /// in here.
  double compute(const Workers& workers, LossInput input, ScalarView diff_embeddings,
                 std::span<Scalar> diff_parameters);
  /// Of the last compute(), in recipe order.
  const std::vector<LossReport>& reports() const;
  /// Mean of ‖embedding‖ over the last batch.
  double mean_length() const;
  /// How alike the last batch's rows of different classes were: the mean of their cosines, which
  /// nears 1 when embeddings collapse to one point. NaN where all were of one class. Of losses that
  /// learn from targets alone: 1 where all rows were equal, else NaN.
  double between_class_cosine() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
