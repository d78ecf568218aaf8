#pragma once
#include "kindred/loss/loss.h"
#include "loss/bases/batch_classes.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

struct CenterSettings {
  bool published = true;  ///< centers move as in Wen et al. 2016; or as in the facenet code
  double alpha = 0.5;
  bool normalize = false;
};
/// Reads `update`, `alpha` and `normalize`.
CenterSettings read_center(Section section);

/// Pulls each embedding to the center of its class.
///   loss = 1/(2B) Σ ‖x − c_y‖²
///   c_j ← c_j − alpha · Σ_{y_i=j} (c_j − x_i) / (1 + n_j), from the centers before the update
/// The centers are state, start at zero and are never scaled by the weight of the loss.
/// With update = "facenet": loss = mean over all numbers of (x − c_y)², no divisor 1 + n_j.
class Center : public Loss {
 public:
  Center(const LossContext& context, const CenterSettings& settings, State& state);
  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override;

 protected:
  double alpha() const { return settings_.alpha; }
  ScalarView centers() { return centers_; }

 private:
  void move_centers(const Workers& workers, const LossInput& input, ConstScalarView x);

  CenterSettings settings_;
  ScalarView centers_;
  BatchClasses classes_;
  Buffer<double> squared_;  // ‖x − c_y‖² of each row
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
