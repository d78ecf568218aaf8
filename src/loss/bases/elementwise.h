#pragma once
#include "kindred/loss/loss.h"
#include "loss/bases/derived.h"

namespace kindred {
inline namespace KINDRED_SCALAR {

/// Base of the losses that compare each number of an embedding with its target: the mean over all
/// numbers of term(x, t).   targets [B, D]
class Elementwise : public Loss {
 public:
  /// Fails with ErrorKind::recipe unless there is one target for each number.
  Elementwise(Section section, const LossContext& context);
  double compute(const Workers& workers, const LossInput& input, LossOutput& output) override;

 private:
  virtual Derived term(double x, double target) const = 0;

  Buffer<double> row_sums_;
};

}  // namespace KINDRED_SCALAR
}  // namespace kindred
